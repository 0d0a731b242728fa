package import NIOCore
internal import NIOHTTP1

extension ContainerEngine {
    private struct Created: Decodable {
        var id: String

        enum CodingKeys: String, CodingKey {
            case id = "Id"
        }
    }

    private func path(_ container: String, _ action: String) throws(ContainerEngineError) -> String {
        "/containers/\(try EngineName.checked(container))/\(action)"
    }

    /// Creates a container and returns its id. It does not run yet.
    ///
    /// - Throws: `conflict` when the name is taken; `notFound` when the image is not on the machine.
    package func createContainer(
        _ spec: ContainerSpec, name: String
    ) async throws(ContainerEngineError) -> String {
        let body = try json(try CreateContainerBody(spec, for: description.product))
        let query = [(name: "name", value: try EngineName.checked(name))]
        let created: Created = try await decoded(order(.POST, "/containers/create", query: query, body: body))
        return created.id
    }

    /// Starts a container; one that runs already stays as it is.
    package func start(_ container: String) async throws(ContainerEngineError) {
        var request = order(.POST, try path(container, "start"))
        request.alsoAccepted = [304]
        try await send(request)
    }

    /// Asks a container's program to end, and kills it after `grace`. One that has ended already stays so.
    package func stop(_ container: String, grace: Duration) async throws(ContainerEngineError) {
        let query = [(name: "t", value: String(max(0, grace.components.seconds)))]
        var request = order(.POST, try path(container, "stop"), query: query, more: grace)
        request.alsoAccepted = [304]
        try await send(request)
    }

    /// Stops a container's program, and starts it again.
    package func restart(_ container: String, grace: Duration) async throws(ContainerEngineError) {
        let query = [(name: "t", value: String(max(0, grace.components.seconds)))]
        try await send(order(.POST, try path(container, "restart"), query: query, more: grace))
    }

    /// Sends `SIGKILL` to a container's program.
    ///
    /// - Throws: `conflict` when it is not running.
    package func kill(_ container: String) async throws(ContainerEngineError) {
        try await send(order(.POST, try path(container, "kill"), query: [(name: "signal", value: "SIGKILL")]))
    }

    /// Freezes all processes of a container.
    ///
    /// - Throws: `conflict` when it is not running, or frozen already.
    package func pause(_ container: String) async throws(ContainerEngineError) {
        try await send(order(.POST, try path(container, "pause")))
    }

    /// Lets the processes of a frozen container go on.
    ///
    /// - Throws: `conflict` when it is not frozen.
    package func unpause(_ container: String) async throws(ContainerEngineError) {
        try await send(order(.POST, try path(container, "unpause")))
    }

    /// Describes a container, or nil when there is none of this name or id.
    package func container(_ container: String) async throws(ContainerEngineError) -> ContainerState? {
        do {
            return try await decoded(get(try path(container, "json")))
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// Containers that carry a mark, those that do not run included.
    package func containers(
        label: String, value: String? = nil
    ) async throws(ContainerEngineError) -> [ContainerSummary] {
        let filter = try labelFilter(label, value)
        return try await decoded(get("/containers/json", query: [(name: "all", value: "true"), filter]))
    }

    /// Removes a container with its anonymous volumes, whether it runs or is frozen. One that does not exist
    /// is a success.
    package func removeContainer(_ container: String) async throws(ContainerEngineError) {
        let name = try EngineName.checked(container)
        let query = [(name: "force", value: "true"), (name: "v", value: "true")]
        do {
            try await send(order(.DELETE, "/containers/\(name)", query: query))
        } catch  where error.code == .notFound {
            return
        }
    }

    private struct Exit: Decodable {
        var statusCode: Int

        enum CodingKeys: String, CodingKey {
            case statusCode = "StatusCode"
        }
    }

    /// Waits until a container's program has ended, and returns its exit code.
    ///
    /// - Throws: `timedOut` after `timeout`.
    package func wait(
        for container: String, timeout: Duration
    ) async throws(ContainerEngineError) -> Int {
        var request = order(.POST, try path(container, "wait"))
        request.timeout = timeout
        return try await decoded(request, as: Exit.self).statusCode
    }

    /// Unpacks an archive in a folder of a container, which need not run. Folders on its read-only root are
    /// refused.
    package func putArchive(
        _ archive: ByteBuffer, in container: String, folder: String
    ) async throws(ContainerEngineError) {
        guard archive.readableBytes <= limits.archiveBytesMax else {
            throw ContainerEngineError(
                .tooLarge, "An archive for a container has more than \(limits.archiveBytesMax) bytes.")
        }
        let query = [(name: "path", value: folder), (name: "noOverwriteDirNonDir", value: "true")]
        try await send(order(.PUT, try path(container, "archive"), query: query, body: .archive(archive)))
    }

    /// The last lines that a container's program printed, for a log: control characters are gone.
    package func lastLines(
        of container: String, count: Int
    ) async throws(ContainerEngineError) -> String {
        var request = get(
            try path(container, "logs"),
            query: [
                (name: "stdout", value: "true"), (name: "stderr", value: "true"),
                (name: "tail", value: String(count)),
            ])
        request.bytesMax = limits.outputBytesMax
        let output = try ExecOutput.demultiplexed(try await send(request).body)
        let text = String(decoding: output.standardOutput + output.standardError, as: UTF8.self)
        return String(text.map { $0.isASCII && ($0.asciiValue ?? 0) >= 32 ? $0 : " " })
    }
}
