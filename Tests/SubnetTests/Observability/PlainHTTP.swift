import NIOCore
import NIOPosix
import Subnet

/// HTTP by hand, to see every byte of an answer.
enum PlainHTTP {
    /// Sends a request over a plain connection and returns everything until the peer closes.
    static func exchange(_ request: String, with address: HostPort) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var all = ByteBuffer()
            for try await part in inbound { all.writeImmutableBuffer(part) }
            return String(buffer: all)
        }
    }

    /// Gets a page; status line and headers come with it.
    static func get(_ path: String, from address: HostPort) async throws -> String {
        try await exchange("GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
    }
}
