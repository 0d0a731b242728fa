import LibP2PIdentity
import Testing

@testable import LibP2P

/// The events of a host: subscribers that do not read cost a bounded buffer, and there are only so many.
@Suite(.timeLimit(.minutes(1)))
struct HostEventFeedTests {
    private static func event(_ number: Int) throws -> HostEvent {
        let key = try PrivateKey(ed25519Seed: [UInt8](repeating: 1, count: 32)).publicKey
        return HostEvent(peer: PeerID(publicKey: key), kind: .disconnected(reason: "\(number)"))
    }

    @Test func `a subscriber that is behind loses its oldest events, and nobody waits`() async throws {
        let feed = HostEventFeed(bufferedMax: 3)
        let slow = feed.subscribe()
        for number in 0..<5 { feed.emit(try Self.event(number)) }
        feed.finish()
        var seen: [HostEvent.Kind] = []
        for await event in slow { seen.append(event.kind) }
        #expect(seen == (2..<5).map { .disconnected(reason: "\($0)") })
    }

    @Test func `beyond their bound subscribers are told nothing, and who leaves makes room`() async throws {
        let feed = HostEventFeed(bufferedMax: 3)
        var open = (0..<HostEventFeed.subscribersMax).map { _ in feed.subscribe() }
        var refused = feed.subscribe().makeAsyncIterator()
        let nothing = await refused.next()
        #expect(nothing == nil)
        open.removeLast()
        var late = feed.subscribe().makeAsyncIterator()
        feed.emit(try Self.event(7))
        let event = await late.next()
        #expect(event?.kind == .disconnected(reason: "7"))
        #expect(open.count == HostEventFeed.subscribersMax - 1)
    }
}
