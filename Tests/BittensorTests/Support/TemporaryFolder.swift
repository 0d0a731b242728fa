#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A folder that goes with its last reference.
final class TemporaryFolder: Sendable {
    private let folder: String

    init() throws {
        self.folder =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "axon-\(UUID().uuidString)"
            ).path
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.folder) }

    func path(_ name: String) -> String { "\(self.folder)/\(name)" }
}
