internal import NIOHTTP1

/// An image on the machine.
package struct ImageDescription: Sendable, Hashable, Decodable {
    /// Its content-addressed id, `sha256:` and 64 hex digits.
    package var id: String
    /// Its names.
    package var tags: [String]
    /// Its names by digest of the manifest.
    package var digests: [String]
    /// Its marks.
    package var labels: [String: String]

    private enum CodingKeys: String, CodingKey {
        case id = "Id", tags = "RepoTags", digests = "RepoDigests", configuration = "Config"
    }

    private struct Configuration: Decodable {
        var labels: [String: String]?

        enum CodingKeys: String, CodingKey {
            case labels = "Labels"
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let id = try container.decode(String.self, forKey: .id)
        self.id = id.hasPrefix("sha256:") ? id : "sha256:\(id)"
        tags = try container.decodeIfPresent([String].self, forKey: .tags) ?? []
        digests = try container.decodeIfPresent([String].self, forKey: .digests) ?? []
        labels = try container.decodeIfPresent(Configuration.self, forKey: .configuration)?.labels ?? [:]
    }
}

extension ContainerEngine {
    /// Describes an image, or nil when it is not on the machine. Nothing is pulled.
    package func image(_ reference: String) async throws(ContainerEngineError) -> ImageDescription? {
        // The reference's slashes, colons and signs stay as they are: engines route on the rest of the path.
        let name = try EngineName.checkedImage(reference)
        do {
            return try await decoded(get("/images/\(name)/json"))
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// Makes an image of one layer from the root file system in a tar file.
    ///
    /// - Parameter path: A local file; it is read in pieces.
    package func importImage(
        fromTar path: String, repository: String, tag: String, labels: [String: String] = [:]
    ) async throws(ContainerEngineError) {
        let file = try ArchiveFile(path: path, bytesMax: limits.imageBytesMax)
        // Podman 4 ignores the parameter `tag`; all take it as part of `repo`.
        let reference = try EngineName.checkedImage("\(repository):\(try EngineName.checked(tag))")
        var query = [(name: "fromSrc", value: "-"), (name: "repo", value: reference)]
        for (name, value) in labels.sorted(by: { $0.key < $1.key }) {
            // These become an instruction: the only words that may are names of labels.
            query.append(
                (
                    name: "changes",
                    value: "LABEL \(try EngineName.checked(name))=\(try EngineName.checked(value))"
                ))
        }
        var request = order(.POST, "/images/create", query: query, body: .file(file))
        request.timeout = limits.imageTimeout
        try await send(request)
        guard try await image(reference) != nil else {
            throw ContainerEngineError(.refused, "The engine imported no image \(reference).")
        }
    }

    /// Loads images from an archive that `docker save` or `podman save` wrote.
    package func loadImages(fromArchive path: String) async throws(ContainerEngineError) {
        let file = try ArchiveFile(path: path, bytesMax: limits.imageBytesMax)
        var request = order(.POST, "/images/load", body: .file(file))
        request.timeout = limits.imageTimeout
        try await send(request)
    }

    /// Removes an image's name, and the image when that was its last one and nothing uses it.
    package func removeImage(_ reference: String) async throws(ContainerEngineError) {
        let name = try EngineName.checkedImage(reference)
        do {
            try await send(order(.DELETE, "/images/\(name)"))
        } catch  where error.code == .notFound {
            return
        }
    }
}
