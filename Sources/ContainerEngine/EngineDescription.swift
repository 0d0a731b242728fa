/// Which engine answers, and the API that is spoken with it.
package struct EngineDescription: Sendable, Hashable {
    /// The engines that are told apart, because they differ in what they enforce.
    package enum Product: String, Sendable {
        case docker, podman
    }

    /// Docker, or Podman's service.
    package let product: Product
    /// The negotiated version of the Engine API, such as 1.41.
    package let apiVersion: APIVersion

    /// A version of the Engine API.
    package struct APIVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
        /// The oldest version that has all that this module uses.
        static let oldest = APIVersion(major: 1, minor: 40)
        /// The newest version that this module was written against.
        static let newest = APIVersion(major: 1, minor: 47)

        package let major: Int
        package let minor: Int

        init(major: Int, minor: Int) {
            self.major = major
            self.minor = minor
        }

        /// Reads `1.41`.
        init?(_ text: some StringProtocol) {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, text.utf8.count <= 8, let major = Int(parts[0]),
                let minor = Int(parts[1]),
                major >= 0, minor >= 0
            else { return nil }
            self.init(major: major, minor: minor)
        }

        package static func < (left: APIVersion, right: APIVersion) -> Bool {
            (left.major, left.minor) < (right.major, right.minor)
        }

        package var description: String { "\(major).\(minor)" }
    }
}

/// What the engine says of itself and of its machine.
package struct EngineInformation: Sendable, Hashable, Decodable {
    /// Name of the storage driver: `overlay2`, `overlay`.
    package var storageDriver: String
    /// Facts about the storage driver, as pairs of name and value.
    package var storageStatus: [[String]]
    /// Where the engine keeps its data, as it sees it.
    package var rootDirectory: String
    /// The version of the engine.
    package var serverVersion: String
    /// Whether a memory limit can be enforced.
    package var enforcesMemory: Bool
    /// Whether a limit on processes can be enforced.
    package var enforcesPids: Bool
    /// Whether a share of processors can be enforced.
    package var enforcesCPU: Bool
    /// Names of the runtimes, such as `runc` and `nvidia`.
    package var runtimes: [String]

    /// The value of one fact about the storage driver.
    package func storageFact(_ name: String) -> String? {
        storageStatus.first { $0.count == 2 && $0[0] == name }?[1]
    }

    private enum CodingKeys: String, CodingKey {
        case storageDriver = "Driver", storageStatus = "DriverStatus", rootDirectory = "DockerRootDir"
        case serverVersion = "ServerVersion", enforcesMemory = "MemoryLimit", enforcesPids = "PidsLimit"
        case enforcesCPU = "CpuCfsQuota", runtimes = "Runtimes"
    }

    private struct Ignored: Decodable, Sendable {}

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        storageDriver = try container.decodeIfPresent(String.self, forKey: .storageDriver) ?? ""
        storageStatus = try container.decodeIfPresent([[String]].self, forKey: .storageStatus) ?? []
        rootDirectory = try container.decodeIfPresent(String.self, forKey: .rootDirectory) ?? ""
        serverVersion = try container.decodeIfPresent(String.self, forKey: .serverVersion) ?? ""
        enforcesMemory = try container.decodeIfPresent(Bool.self, forKey: .enforcesMemory) ?? false
        enforcesPids = try container.decodeIfPresent(Bool.self, forKey: .enforcesPids) ?? false
        enforcesCPU = try container.decodeIfPresent(Bool.self, forKey: .enforcesCPU) ?? false
        runtimes =
            try container.decodeIfPresent([String: Ignored].self, forKey: .runtimes)?.keys.sorted() ?? []
    }
}
