internal import NIOHTTP1

/// A bridge network on the machine.
package struct NetworkDescription: Sendable, Hashable, Decodable {
    /// Its id.
    package var id: String
    /// Its name.
    package var name: String
    /// Its marks.
    package var labels: [String: String]
    /// Its address ranges, such as `10.89.0.0/24`.
    package var subnets: [String]

    private enum CodingKeys: String, CodingKey {
        case id = "Id", name = "Name", labels = "Labels", addresses = "IPAM"
    }

    private struct Addresses: Decodable {
        var configuration: [Range]?

        struct Range: Decodable {
            var subnet: String?

            enum CodingKeys: String, CodingKey {
                case subnet = "Subnet"
            }
        }

        enum CodingKeys: String, CodingKey {
            case configuration = "Config"
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        name = try container.decode(String.self, forKey: .name)
        labels = try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
        let addresses = try container.decodeIfPresent(Addresses.self, forKey: .addresses)
        subnets = addresses?.configuration?.compactMap(\.subnet) ?? []
    }
}

extension ContainerEngine {
    private struct CreateNetwork: Encodable {
        var name: String
        var driver = "bridge"
        var isInternal: Bool
        var checkDuplicate = true
        var labels: [String: String]

        enum CodingKeys: String, CodingKey {
            case name = "Name", driver = "Driver", isInternal = "Internal", checkDuplicate = "CheckDuplicate"
            case labels = "Labels"
        }
    }

    /// Creates a bridge network.
    ///
    /// - Parameter isInternal: Without a way out of the machine.
    package func createNetwork(
        _ name: String, isInternal: Bool = false, labels: [String: String] = [:]
    ) async throws(ContainerEngineError) {
        let body = try json(
            CreateNetwork(name: try EngineName.checked(name), isInternal: isInternal, labels: labels))
        try await send(order(.POST, "/networks/create", body: body))
    }

    /// Describes a network, or nil when there is none of this name.
    package func network(_ name: String) async throws(ContainerEngineError) -> NetworkDescription? {
        do {
            return try await decoded(get("/networks/\(try EngineName.checked(name))"))
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// Networks that carry a mark.
    package func networks(
        label: String, value: String? = nil
    ) async throws(ContainerEngineError) -> [NetworkDescription] {
        let filter = try labelFilter(label, value)
        return try await decoded(get("/networks", query: [filter]))
    }

    /// Removes a network. One that does not exist is a success.
    package func removeNetwork(_ name: String) async throws(ContainerEngineError) {
        let name = try EngineName.checked(name)
        do {
            try await send(order(.DELETE, "/networks/\(name)"))
        } catch  where error.code == .notFound {
            return
        }
    }
}
