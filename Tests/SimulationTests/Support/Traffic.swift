import NIOCore
import SubnetRPC
import SubnetServices
import SubnetTesting

/// The service that simulated nodes call on each other: one method of each kind, raw bytes in and out.
enum Traffic: RPCService {
    static let name = "Traffic"
    /// Gives the request back.
    static let echo = UnaryMethod<ByteBuffer, ByteBuffer>.unary("Traffic.echo", .raw, .raw)
    /// Waits, then answers or fails, as ordered.
    static let work = UnaryMethod<Order, ByteBuffer>.unary("Traffic.work", .order, .raw)
    /// Gives as many items as ordered.
    static let produce = Method<Order, ByteBuffer, ServerStreaming>.serverStreaming(
        "Traffic.produce", .order, .raw)
    /// Gives all requests back, joined.
    static let collect = Method<ByteBuffer, ByteBuffer, ClientStreaming>.clientStreaming(
        "Traffic.collect", .raw, .raw)
    /// Gives each request back at once.
    static let talk = Method<ByteBuffer, ByteBuffer, Bidirectional>.bidirectional("Traffic.talk", .raw, .raw)
    static let methods = [echo.erased, work.erased, produce.erased, collect.erased, talk.erased]

    /// What a handler is to do.
    struct Order: Sendable {
        enum Outcome: UInt8 {
            case answer, refuse, crash
        }
        var outcome = Outcome.answer
        /// Where in ``Payload`` the answer starts.
        var offset = 0
        /// Bytes of each item.
        var bytes = 0
        /// Items of a stream.
        var count = 1
        /// Virtual milliseconds before the answer, or before each item.
        var pause = 0
    }

    /// An error that is no `RPCError`.
    struct Crash: Error {}

    static func register(on router: Router, network: SimulatedNetwork) throws {
        try router.registerTaskProtocol { _, payload, _ in payload.reversed() }
        try router.register(Traffic.self) {
            $0.handle(echo) { request, _ in request }
            $0.handle(work) { order, _ in
                if order.pause > 0 { try await network.pause(for: .milliseconds(Int64(order.pause))) }
                switch order.outcome {
                case .answer: return Payload.bytes(order.offset, order.bytes)
                case .refuse: throw RPCError(.aborted, "told to refuse")
                case .crash: throw Crash()
                }
            }
            $0.handle(produce) { order, _, responses in
                for index in 0..<order.count {
                    if order.pause > 0 { try await network.pause(for: .milliseconds(Int64(order.pause))) }
                    try await responses.write(Payload.bytes(order.offset + index, order.bytes))
                }
            }
            $0.handle(collect) { requests, _ in
                var all = ByteBuffer()
                for try await request in requests { all.writeImmutableBuffer(request) }
                return all
            }
            $0.handle(talk) { requests, _, responses in
                for try await request in requests { try await responses.write(request) }
            }
        }
    }
}

extension MessageCoding where Message == ByteBuffer {
    static var raw: MessageCoding { MessageCoding(name: "raw", encode: { $0 }, decode: { $0 }) }
}

extension MessageCoding where Message == Traffic.Order {
    static var order: MessageCoding {
        MessageCoding(
            name: "order",
            encode: { order in
                var bytes = ByteBuffer()
                bytes.writeInteger(order.outcome.rawValue)
                for number in [order.offset, order.bytes, order.count, order.pause] {
                    bytes.writeInteger(UInt32(number))
                }
                return bytes
            },
            decode: { bytes in
                var bytes = bytes
                var order = Traffic.Order()
                guard let raw: UInt8 = bytes.readInteger(),
                    let outcome = Traffic.Order.Outcome(rawValue: raw),
                    let (offset, length, count, pause) = bytes.readMultipleIntegers(
                        as: (UInt32, UInt32, UInt32, UInt32).self), bytes.readableBytes == 0
                else { throw RPCError(.invalidArgument, "not an order") }
                (order.outcome, order.offset, order.bytes) = (outcome, Int(offset), Int(length))
                (order.count, order.pause) = (Int(count), Int(pause))
                return order
            })
    }
}

/// Bytes that both ends know: what is sent is a slice of one fixed block, so that comparing costs nearly
/// nothing.
enum Payload {
    static let blockBytes = 1 << 20
    private static let block: ByteBuffer = {
        var generator = SplitMix64(seed: 1)
        var bytes = ByteBuffer()
        bytes.reserveCapacity(2 * blockBytes)
        while bytes.readableBytes < blockBytes { bytes.writeInteger(generator.next()) }
        bytes.writeImmutableBuffer(bytes)
        return bytes
    }()

    /// `count` bytes that belong to `offset`.
    static func bytes(_ offset: Int, _ count: Int) -> ByteBuffer {
        block.getSlice(at: offset % blockBytes, length: min(count, blockBytes)) ?? ByteBuffer()
    }
}
