/// The Unix socket of a container engine.
package struct EngineSocket: Sendable, Hashable, CustomStringConvertible {
    /// Bytes that the path of a Unix socket can have on Linux, less its final zero.
    private static let pathBytesMax = 107

    /// Its absolute path.
    package let path: String

    /// Takes an absolute path.
    ///
    /// - Throws: `invalidArgument` when it is not absolute or longer than the system permits.
    package init(path: String) throws(ContainerEngineError) {
        guard path.hasPrefix("/"), path.utf8.count <= Self.pathBytesMax else {
            throw ContainerEngineError(
                .invalidArgument,
                "The path of an engine's socket is absolute and has at most \(Self.pathBytesMax) bytes.")
        }
        self.path = path
    }

    /// `unix:///path`.
    package var description: String { "unix://\(path)" }

    /// Where engines are looked for, best first: `$DOCKER_HOST` alone when it is set, else Docker's socket,
    /// the rootless Podman of this user and the Podman of root.
    ///
    /// - Throws: `invalidArgument` when `$DOCKER_HOST` is set but not of the form `unix:///path`: an engine
    ///   across a network is not spoken to, and another one than was named is not tried.
    package static func candidates(
        environment: [String: String]
    ) throws(ContainerEngineError) -> [EngineSocket] {
        if let host = environment["DOCKER_HOST"], !host.isEmpty {
            let scheme = "unix://"
            guard host.hasPrefix(scheme) else {
                throw ContainerEngineError(
                    .invalidArgument,
                    "DOCKER_HOST is not of the form unix:///path; only local sockets are used.")
            }
            return [try EngineSocket(path: String(host.dropFirst(scheme.count)))]
        }
        var paths = ["/var/run/docker.sock"]
        if let runtime = environment["XDG_RUNTIME_DIR"], !runtime.isEmpty {
            paths.append("\(runtime)/podman/podman.sock")
        }
        paths.append("/run/podman/podman.sock")
        var sockets: [EngineSocket] = []
        for path in paths { if let socket = try? EngineSocket(path: path) { sockets.append(socket) } }
        return sockets
    }

    /// Connects to the first engine that answers.
    ///
    /// - Throws: `unreachable` with one reason for each socket, or `invalidArgument` for an unusable
    ///   `$DOCKER_HOST`.
    package static func discover(
        environment: [String: String], limits: ContainerEngineLimits = ContainerEngineLimits()
    ) async throws(ContainerEngineError) -> ContainerEngine {
        var reasons: [String] = []
        for socket in try candidates(environment: environment) {
            do {
                return try await ContainerEngine.connect(socket, limits: limits)
            } catch {
                reasons.append("\(socket): \(error.message)")
            }
        }
        throw ContainerEngineError(
            .unreachable, "No container engine answers. \(reasons.joined(separator: " "))")
    }
}
