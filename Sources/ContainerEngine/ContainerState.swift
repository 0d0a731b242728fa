/// A container, as the engine describes it when it is inspected.
package struct ContainerState: Sendable, Hashable, Decodable {
    /// What a container is doing.
    package enum Phase: String, Sendable, Hashable {
        case created, running, paused, restarting, removing, exited, dead
        /// A word that this module does not know.
        case unknown
    }

    /// Its full id.
    package var id: String
    /// Its name, without the API's leading slash.
    package var name: String
    /// The id of its image.
    package var imageID: String
    /// What it is doing.
    package var phase: Phase
    /// How its program ended, when it has.
    package var exitCode: Int
    /// Whether the kernel ended it for want of memory.
    package var isOutOfMemory: Bool
    /// Its marks.
    package var labels: [String: String]
    /// The limits that the engine took. What it ignored is absent or zero here.
    package var memoryBytes: Int64
    package var nanoCPUs: Int64
    package var processesMax: Int64
    package var isRootReadOnly: Bool
    package var isPrivileged: Bool
    package var networkMode: String
    package var securityOptions: [String]
    /// Ids of the GPUs that the engine took into its configuration.
    package var gpuIDs: [String]

    /// Whether its program is alive: running, or frozen.
    package var isAlive: Bool { phase == .running || phase == .paused || phase == .restarting }

    private enum CodingKeys: String, CodingKey {
        case id = "Id", name = "Name", image = "Image", state = "State", configuration = "Config"
        case host = "HostConfig"
    }

    private struct State: Decodable {
        var status: String
        var exitCode: Int?
        var outOfMemory: Bool?

        enum CodingKeys: String, CodingKey {
            case status = "Status", exitCode = "ExitCode", outOfMemory = "OOMKilled"
        }
    }

    private struct Configuration: Decodable {
        var labels: [String: String]?

        enum CodingKeys: String, CodingKey {
            case labels = "Labels"
        }
    }

    private struct DeviceRequest: Decodable {
        var ids: [String]?

        enum CodingKeys: String, CodingKey {
            case ids = "DeviceIDs"
        }
    }

    private struct Host: Decodable {
        var memory: Int64?
        var nanoCpus: Int64?
        var pidsLimit: Int64?
        var readonlyRootfs: Bool?
        var privileged: Bool?
        var networkMode: String?
        var securityOpt: [String]?
        var deviceRequests: [DeviceRequest]?

        enum CodingKeys: String, CodingKey {
            case memory = "Memory", nanoCpus = "NanoCpus", pidsLimit = "PidsLimit", privileged = "Privileged"
            case readonlyRootfs = "ReadonlyRootfs", networkMode = "NetworkMode", securityOpt = "SecurityOpt"
            case deviceRequests = "DeviceRequests"
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let state = try container.decode(State.self, forKey: .state)
        let host = try container.decodeIfPresent(Host.self, forKey: .host)
        id = try container.decode(String.self, forKey: .id)
        let slashed = try container.decode(String.self, forKey: .name)
        name = slashed.hasPrefix("/") ? String(slashed.dropFirst()) : slashed
        imageID = try container.decodeIfPresent(String.self, forKey: .image) ?? ""
        phase = Phase(rawValue: state.status) ?? .unknown
        exitCode = state.exitCode ?? 0
        isOutOfMemory = state.outOfMemory ?? false
        labels = try container.decodeIfPresent(Configuration.self, forKey: .configuration)?.labels ?? [:]
        memoryBytes = host?.memory ?? 0
        nanoCPUs = host?.nanoCpus ?? 0
        processesMax = host?.pidsLimit ?? 0
        isRootReadOnly = host?.readonlyRootfs ?? false
        isPrivileged = host?.privileged ?? false
        networkMode = host?.networkMode ?? ""
        securityOptions = host?.securityOpt ?? []
        gpuIDs = host?.deviceRequests?.flatMap { $0.ids ?? [] } ?? []
    }
}

/// A container, as it appears in a list.
package struct ContainerSummary: Sendable, Hashable, Decodable {
    /// Its full id.
    package var id: String
    /// Its names, without the API's leading slashes.
    package var names: [String]
    /// Its marks.
    package var labels: [String: String]
    /// What it is doing.
    package var phase: ContainerState.Phase

    private enum CodingKeys: String, CodingKey {
        case id = "Id", names = "Names", labels = "Labels", state = "State"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        names = try (container.decodeIfPresent([String].self, forKey: .names) ?? []).map {
            $0.hasPrefix("/") ? String($0.dropFirst()) : $0
        }
        labels = try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
        phase =
            try container.decodeIfPresent(String.self, forKey: .state)
            .flatMap(ContainerState.Phase.init(rawValue:)) ?? .unknown
    }
}
