internal import NIOCore
internal import NIOPosix

/// Waits until an SSH server greets: the proof that a container's port is published and its server runs.
enum SSHGreeting {
    /// The longest first line (RFC 4253 §4.2).
    private static let lineBytesMax = 255

    /// Tries again until it does.
    ///
    /// - Throws: `engine` when `timeout` passed.
    static func wait(address: String, port: UInt16, timeout: Duration) async throws {
        let deadline = ContinuousClock.now + timeout
        while true {
            if await greets(address: address, port: port) { return }
            guard ContinuousClock.now < deadline else {
                throw ComputeError(.engine, "The container's SSH server does not answer on port \(port).")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private static func greets(address: String, port: UInt16) async -> Bool {
        do {
            return try await within(.seconds(3), "A greeting") {
                let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connectTimeout(.seconds(2))
                    .connect(host: address, port: Int(port)) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                        }
                    }
                return try await channel.executeThenClose { inbound, _ in
                    var seen = ByteBuffer()
                    for try await part in inbound {
                        seen.writeImmutableBuffer(part)
                        if seen.readableBytes >= 8 || seen.readableBytes > lineBytesMax { break }
                    }
                    return String(buffer: seen).hasPrefix("SSH-2.0-")
                }
            }
        } catch {
            return false
        }
    }
}
