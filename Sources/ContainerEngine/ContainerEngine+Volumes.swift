internal import NIOHTTP1

/// A named volume that is to be.
package struct VolumeSpec: Sendable, Hashable {
    /// Its name.
    package var name: String
    /// Options of the `local` driver, those of a mount: `type`, `device`, `o`. Empty: a folder of the engine.
    package var options: [String: String]
    /// Its marks.
    package var labels: [String: String]

    /// A volume of the engine's `local` driver.
    package init(name: String, options: [String: String] = [:], labels: [String: String] = [:]) {
        self.name = name
        self.options = options
        self.labels = labels
    }
}

/// A volume on the machine.
package struct VolumeDescription: Sendable, Hashable, Decodable {
    /// Its name.
    package var name: String
    /// Its marks.
    package var labels: [String: String]
    /// Options it was made with.
    package var options: [String: String]

    private enum CodingKeys: String, CodingKey {
        case name = "Name", labels = "Labels", options = "Options"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        labels = try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
        options = try container.decodeIfPresent([String: String].self, forKey: .options) ?? [:]
    }
}

extension ContainerEngine {
    private struct CreateVolume: Encodable {
        var name: String
        var driver = "local"
        var options: [String: String]
        var labels: [String: String]

        enum CodingKeys: String, CodingKey {
            case name = "Name", driver = "Driver", options = "DriverOpts", labels = "Labels"
        }
    }

    private struct VolumeList: Decodable {
        var volumes: [VolumeDescription]?

        enum CodingKeys: String, CodingKey {
            case volumes = "Volumes"
        }
    }

    /// Creates a volume. Engines answer with the old one when the name is taken, so names are to be unique.
    package func createVolume(_ spec: VolumeSpec) async throws(ContainerEngineError) {
        let body = try json(
            CreateVolume(
                name: try EngineName.checked(spec.name), options: spec.options, labels: spec.labels))
        try await send(order(.POST, "/volumes/create", body: body))
    }

    /// Volumes that carry a mark.
    package func volumes(
        label: String, value: String? = nil
    ) async throws(ContainerEngineError) -> [VolumeDescription] {
        let filter = try labelFilter(label, value)
        return try await decoded(get("/volumes", query: [filter]), as: VolumeList.self).volumes ?? []
    }

    /// Removes a volume and what is in it. One that does not exist is a success.
    ///
    /// - Throws: `conflict` when a container uses it.
    package func removeVolume(_ name: String) async throws(ContainerEngineError) {
        let name = try EngineName.checked(name)
        do {
            try await send(order(.DELETE, "/volumes/\(name)"))
        } catch  where error.code == .notFound {
            return
        }
    }
}
