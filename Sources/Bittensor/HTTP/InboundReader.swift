internal import NIOCore
internal import NIOHTTP1

/// Reads the requests of one connection, and their bodies when they are wanted. Used by one task.
final class InboundReader {
    private var iterator: NIOAsyncChannelInboundStream<GatheredRequest>.AsyncIterator
    private let channel: any Channel

    init(_ inbound: NIOAsyncChannelInboundStream<GatheredRequest>, _ channel: any Channel) {
        self.iterator = inbound.makeAsyncIterator()
        self.channel = channel
    }

    /// The next request; `nil` when the caller sends no more.
    func next() async throws -> GatheredRequest? {
        try await self.iterator.next()
    }

    /// The body of the head that came last; `nil` when the caller went away.
    func body() async throws -> Result<ByteBuffer, GatherFailure>? {
        try await self.channel.triggerUserOutboundEvent(BodyWanted()).get()
        switch try await self.iterator.next() {
        case .body(let body): return .success(body)
        case .failed(let failure): return .failure(failure)
        case .whole, .head, nil: return nil
        }
    }

    /// Waits until all replies have left, or their deadline has closed the channel. The connection ends with
    /// it, since closing at once would take back what the socket has not taken yet.
    func flush() async throws {
        try await self.channel.triggerUserOutboundEvent(FlushWanted()).get()
    }

    /// Takes in and forgets the rest of a request that was answered before it had ended, until the connection
    /// ends; bounded in bytes and time.
    func drain() async throws {
        try await self.channel.triggerUserOutboundEvent(DrainWanted()).get()
        while try await self.iterator.next() != nil {}
    }
}
