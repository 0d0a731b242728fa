import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A reply as it stood on the wire.
struct RawReply: Sendable {
    var status: Int
    var reason: String
    /// In order, names as they were sent.
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The first value of a header, whatever its case.
    subscript(name: String) -> String? {
        self.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Why a test connection has no reply.
enum RawHTTPError: Error {
    case closed
    case malformed
    case tooLate
}

/// A connection that sends any bytes and reads HTTP replies, independent of the code under test.
final class RawHTTP: Sendable {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private init(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>) {
        self.channel = channel
    }

    /// Connects, runs `body`, and closes.
    static func with<Value: Sendable>(
        port: Int, _ body: @escaping @Sendable (Session) async throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            // So that what nobody reads stops its sender soon.
            .channelOption(.socketOption(.so_rcvbuf), value: 64 << 10)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        // The deadline of a test, not a pause.
        let alarm = channel.channel.eventLoop.scheduleTask(in: .seconds(20)) {
            channel.channel.close(promise: nil)
        }
        defer { alarm.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(Session(inbound, outbound, channel.channel))
        }
    }

    /// One request, one reply, on a connection of its own.
    static func send(_ request: String, port: Int) async throws -> RawReply {
        try await self.send(Array(request.utf8), port: port)
    }

    /// One request, one reply, on a connection of its own.
    static func send(_ request: [UInt8], port: Int) async throws -> RawReply {
        try await self.with(port: port) { session in
            try await session.send(request)
            return try await session.reply()
        }
    }

    /// What a test does with its connection.
    final class Session: @unchecked Sendable {
        // One task uses it: the one of the test.
        private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        private var received: [UInt8] = []
        private let channel: any Channel

        init(
            _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
            _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, _ channel: any Channel
        ) {
            self.channel = channel
            self.iterator = inbound.makeAsyncIterator()
            self.outbound = outbound
        }

        func send(_ bytes: [UInt8]) async throws {
            try await self.outbound.write(ByteBuffer(bytes: bytes))
        }

        func send(_ text: String) async throws {
            try await self.send(Array(text.utf8))
        }

        /// Ends the connection so that the other side sees a reset.
        func reset() {
            let channel = self.channel
            guard let socket = channel as? any SocketOptionProvider else { return }
            socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in
                channel.close(promise: nil)
            }
        }

        /// Ends the connection in order.
        func close() { self.channel.close(promise: nil) }

        /// Says that nothing more is sent.
        func finish() { self.outbound.finish() }

        /// Everything until the other side closes.
        func rest() async throws -> [UInt8] {
            while try await self.more() {}
            defer { self.received = [] }
            return self.received
        }

        /// The next reply: with its length, in chunks, or up to the end of the connection.
        func reply() async throws -> RawReply {
            let head = try await self.head()
            var reply = head
            if let length = head["content-length"].flatMap({ Int($0) }) {
                reply.body = try await self.take(length)
            } else if head["transfer-encoding"]?.lowercased() == "chunked" {
                while let chunk = try await self.chunk() { reply.body += chunk }
            } else if head.status >= 200, head.status != 204 {
                reply.body = try await self.rest()
            }
            return reply
        }

        /// The head of the next reply.
        func head() async throws -> RawReply {
            while true {
                if let end = self.received.firstRange(of: Array("\r\n\r\n".utf8)) {
                    let text = String(decoding: self.received[..<end.lowerBound], as: UTF8.self)
                    self.received.removeSubrange(..<end.upperBound)
                    return try Self.parse(text)
                }
                guard try await self.more() else { throw RawHTTPError.closed }
            }
        }

        /// The next chunk; `nil` after the last one.
        func chunk() async throws -> [UInt8]? {
            while true {
                if let end = self.received.firstRange(of: Array("\r\n".utf8)) {
                    let text = String(decoding: self.received[..<end.lowerBound], as: UTF8.self)
                    guard let count = Int(text, radix: 16) else { throw RawHTTPError.malformed }
                    self.received.removeSubrange(..<end.upperBound)
                    let bytes = try await self.take(count)
                    _ = try await self.take(2)
                    return count == 0 ? nil : bytes
                }
                guard try await self.more() else { throw RawHTTPError.closed }
            }
        }

        private func take(_ count: Int) async throws -> [UInt8] {
            while self.received.count < count {
                guard try await self.more() else { throw RawHTTPError.closed }
            }
            defer { self.received.removeFirst(count) }
            return Array(self.received.prefix(count))
        }

        private func more() async throws -> Bool {
            guard let bytes = try await self.iterator.next() else { return false }
            self.received += bytes.readableBytesView
            return true
        }

        private static func parse(_ text: String) throws -> RawReply {
            var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)[...]
            let first = (lines.popFirst() ?? "").split(separator: " ", maxSplits: 2)
            guard first.count >= 2, let status = Int(first[1]) else { throw RawHTTPError.malformed }
            let headers = try lines.map { line in
                guard let colon = line.firstIndex(of: ":") else { throw RawHTTPError.malformed }
                let value = line[line.index(after: colon)...].drop(while: { $0 == " " })
                return (name: String(line[..<colon]), value: String(value))
            }
            return RawReply(
                status: status, reason: first.count > 2 ? String(first[2]) : "", headers: headers, body: [])
        }
    }
}
