import BittensorCore
import Foundation
import NIOCore
import NIOPosix

/// The other end of a WebSocket, byte by byte, so that it can be as wrong as a test likes.
final class WebSocketPeer {
    struct Frame: Equatable {
        let opcode: UInt8
        let payload: [UInt8]

        /// What a text frame holds.
        var json: JSONValue? { try? JSONValue(parsing: String(decoding: self.payload, as: UTF8.self)) }
        /// The code of a close frame.
        var closeCode: Int? {
            self.opcode == 8 && self.payload.count >= 2
                ? Int(self.payload[0]) << 8 | Int(self.payload[1]) : nil
        }
    }

    static let handshake = [
        ("Host", "127.0.0.1"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
    ]

    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var buffer = ByteBuffer()
    /// The status and the head of the answer.
    private(set) var status = 0
    private(set) var head = ""

    private init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    /// Asks for a WebSocket and runs `body` with what came of it.
    static func with<Value: Sendable>(
        port: Int, as caller: String? = "admin", target: String = "/connect",
        changing changes: [(String, String?)] = [],
        _ body: (WebSocketPeer) async throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let peer = WebSocketPeer(inbound, outbound)
            var headers = Self.handshake
            if let caller { headers.append(("Authorization", "Bearer token of \(caller)")) }
            for (name, value) in changes {
                headers.removeAll { $0.0 == name }
                if let value { headers.append((name, value)) }
            }
            let lines = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
            try await outbound.write(ByteBuffer(string: "GET \(target) HTTP/1.1\r\n\(lines)\r\n"))
            try await peer.readHead()
            return try await body(peer)
        }
    }

    private func readHead() async throws {
        while true {
            let text = String(buffer: self.buffer)
            if let end = text.range(of: "\r\n\r\n") {
                self.head = String(text[..<end.lowerBound])
                self.buffer.moveReaderIndex(forwardBy: self.head.utf8.count + 4)
                self.status = Int(self.head.split(separator: " ")[1]) ?? 0
                return
            }
            guard let bytes = try await self.inbound.next() else { return }
            self.buffer.writeImmutableBuffer(bytes)
        }
    }

    /// Sends a frame, masked as clients must.
    func send(_ opcode: UInt8, _ payload: [UInt8] = [], isMasked: Bool = true) async throws {
        var frame = ByteBuffer(bytes: [0x80 | opcode])
        let mask: [UInt8] = [1, 2, 3, 4]
        let flag: UInt8 = isMasked ? 0x80 : 0
        if payload.count < 126 {
            frame.writeInteger(flag | UInt8(payload.count))
        } else {
            frame.writeInteger(flag | 126)
            frame.writeInteger(UInt16(payload.count))
        }
        if isMasked { frame.writeBytes(mask) }
        frame.writeBytes(isMasked ? payload.enumerated().map { $1 ^ mask[$0 % 4] } : payload)
        try await self.outbound.write(frame)
    }

    /// The next frame, `nil` at the end.
    func frame() async throws -> Frame? {
        while true {
            if let frame = self.take() { return frame }
            do {
                guard let bytes = try await self.inbound.next() else { return nil }
                self.buffer.writeImmutableBuffer(bytes)
            } catch is IOError {
                return nil
            }
        }
    }

    private func take() -> Frame? {
        let bytes = self.buffer.readableBytesView
        guard bytes.count >= 2 else { return nil }
        let opcode = bytes[bytes.startIndex] & 0x0F
        var count = Int(bytes[bytes.startIndex + 1])
        var start = 2
        if count == 126 {
            guard bytes.count >= 4 else { return nil }
            count = Int(bytes[bytes.startIndex + 2]) << 8 | Int(bytes[bytes.startIndex + 3])
            start = 4
        }
        guard bytes.count >= start + count else { return nil }
        self.buffer.moveReaderIndex(forwardBy: start)
        return Frame(opcode: opcode, payload: self.buffer.readBytes(length: count) ?? [])
    }
}
