import Foundation
import SubnetFuzzing
import Testing

@Suite struct FuzzTargetsTests {
    /// `Fuzz/FailCases` of the checkout that this file was compiled in.
    private static let failCases = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzz/FailCases")

    @Test func everyTargetHasANameOfItsOwn() {
        let names = FuzzTargets.all.map(\.name)
        #expect(!names.isEmpty)
        #expect(Set(names).count == names.count)
    }

    @Test func noTargetTrapsOnNothingOrOnAFewBytes() {
        for target in FuzzTargets.all {
            target.run([])
            for byte in [UInt8(0), 1, 0x7F, 0x80, 0xFF] {
                for count in [1, 2, 12, 64] { target.run(Array(repeating: byte, count: count)) }
            }
        }
    }

    @Test func inputsThatOnceFailedNoLongerDo() throws {
        let manager = FileManager.default
        for folder in try manager.contentsOfDirectory(atPath: Self.failCases.path) where folder != "README.md"
        {
            let target = try #require(FuzzTargets.named(folder), "no target is called \(folder)")
            let cases = Self.failCases.appending(path: folder)
            for name in try manager.contentsOfDirectory(atPath: cases.path) {
                target.run(Array(try Data(contentsOf: cases.appending(path: name))))
            }
        }
    }
}
