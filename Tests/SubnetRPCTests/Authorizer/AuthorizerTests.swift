import Crypto
import NIOCore
import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Synchronization
import Testing

/// A wire that changes items on their way.
struct MeddlingWire: ClientWire {
    /// Changes a request (or, if false, a response) of a number.
    typealias Meddle = @Sendable (_ isRequest: Bool, _ index: Int, inout WireItem) -> Void

    let below: any ClientWire
    let meddle: Meddle

    func open(_ head: CallHead) async throws -> any ClientCallStream {
        MeddlingStream(below: try await self.below.open(head), meddle: self.meddle)
    }
}

private final class MeddlingStream: ClientCallStream {
    private let below: any ClientCallStream
    private let meddle: MeddlingWire.Meddle
    private let counts = Mutex((requests: 0, responses: 0))

    init(below: any ClientCallStream, meddle: @escaping MeddlingWire.Meddle) {
        self.below = below
        self.meddle = meddle
    }

    func send(_ item: WireItem) async throws {
        var item = item
        let index = self.counts.withLock { counts in
            defer { counts.requests += 1 }
            return counts.requests
        }
        self.meddle(true, index, &item)
        try await self.below.send(item)
    }

    func receive() async throws -> WireItem? {
        guard var item = try await self.below.receive() else { return nil }
        let index = self.counts.withLock { counts in
            defer { counts.responses += 1 }
            return counts.responses
        }
        self.meddle(false, index, &item)
        return item
    }

    func finishSending() async throws { try await self.below.finishSending() }
    func cancel(_ reason: RPCError) { self.below.cancel(reason) }
}

/// What a wire does to an item.
enum Tampering: String, CaseIterable, CustomTestStringConvertible {
    case nonceMissing, macMissing, allMissing, nonceChanged, macChanged, messageChanged, shortNonce

    var testDescription: String { self.rawValue }

    func apply(_ item: inout WireItem) {
        let (nonce, mac) = (SealAuthorizer.nonceField, SealAuthorizer.macField)
        switch self {
        case .nonceMissing: item.fields[bytes: nonce] = nil
        case .macMissing: item.fields[bytes: mac] = nil
        case .allMissing: item.fields = [:]
        case .nonceChanged: item.fields[bytes: nonce]?[0] ^= 1
        case .macChanged: item.fields[bytes: mac]?[31] ^= 1
        case .messageChanged: item.bytes = ByteBuffer(bytes: [0x0A, 1, 0x7A])
        case .shortNonce: item.fields[bytes: nonce]?.removeLast()
        }
    }
}

@Suite("Authorizers", .timeLimit(.minutes(1)))
struct AuthorizerTests {
    static let key = SymmetricKey(data: [UInt8](repeating: 7, count: 32))

    static func seal(_ key: SymmetricKey = Self.key, from first: UInt64 = 0) -> SealAuthorizer {
        let counter = Counter(count: first)
        return SealAuthorizer(key: key) { counter.next() }
    }

    /// Keeps the first item of each number and puts it in place of every later one.
    final class Kept: Sendable {
        private let items = Mutex<[Int: WireItem]>([:])

        func swap(_ item: inout WireItem, _ index: Int) {
            let now = item
            item = self.items.withLock { items in
                defer { items[index] = items[index] ?? now }
                return items[index] ?? now
            }
        }
    }

    final class Counter: Sendable {
        private let count: Mutex<UInt64>
        init(count: UInt64) { self.count = Mutex(count) }
        func next() -> [UInt8] {
            let number = self.count.withLock { count in
                count += 1
                return count
            }
            return Array(repeating: 0, count: 8)
                + (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
    }

    @Test("a signed call of every kind passes over every wire", arguments: Kind.allCases, Travel.allCases)
    func signed(kind: Kind, travel: Travel) async throws {
        let stage = Stage(travel)
        try Words.register(on: stage.router, authorizer: Self.seal())
        let client = stage.client.authorized(by: Self.seal())
        for _ in 0..<2 {
            #expect(try await stage.run { try await kind.call(client) } == kind.expected)
        }
    }

    @Test(
        "a caller that does not sign is refused, and no handler starts", arguments: Kind.allCases,
        Travel.allCases)
    func unsigned(kind: Kind, travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try Words.register(on: stage.router, authorizer: Self.seal(), record: record)
        let error = await stage.failure { try await kind.call(stage.client) }
        #expect(error?.code == .unauthenticated)
        #expect(record.count == 0)
        #expect(stage.table.count == 0)
    }

    @Test("a callee that does not sign is refused by the caller", arguments: Kind.allCases)
    func unsignedResponse(kind: Kind) async throws {
        let stage = Stage(.pipe)
        try Words.register(on: stage.router)
        let client = stage.client.authorized(by: Self.seal())
        #expect(await stage.failure { try await kind.call(client) }?.code == .unauthenticated)
    }

    @Test("another key is refused", arguments: Kind.allCases)
    func otherKey(kind: Kind) async throws {
        let (stage, record) = (Stage(.pipe), Record())
        try Words.register(on: stage.router, authorizer: Self.seal(), record: record)
        let other = Self.seal(SymmetricKey(data: [UInt8](repeating: 8, count: 32)))
        let client = stage.client.authorized(by: other)
        #expect(await stage.failure { try await kind.call(client) }?.code == .unauthenticated)
        #expect(record.count == 0)
    }

    @Test(
        "a first request with a field missing, changed or of another message starts no handler",
        arguments: Kind.allCases, Tampering.allCases)
    func firstRequest(kind: Kind, tampering: Tampering) async throws {
        let record = Record()
        let stage = Stage(.pipe) { wire in
            MeddlingWire(below: wire) { isRequest, index, item in
                if isRequest, index == 0 { tampering.apply(&item) }
            }
        }
        try Words.register(on: stage.router, authorizer: Self.seal(), record: record)
        let client = stage.client.authorized(by: Self.seal())
        #expect(await stage.failure { try await kind.call(client) }?.code == .unauthenticated)
        #expect(record.count == 0)
        #expect(stage.table.count == 0)
    }

    @Test(
        "a later request that is tampered with ends the call",
        arguments: [Kind.clientStreaming, .bidirectional], Tampering.allCases)
    func laterRequest(kind: Kind, tampering: Tampering) async throws {
        let stage = Stage(.pipe) { wire in
            MeddlingWire(below: wire) { isRequest, index, item in
                if isRequest, index == 1 { tampering.apply(&item) }
            }
        }
        try Words.register(on: stage.router, authorizer: Self.seal())
        let client = stage.client.authorized(by: Self.seal())
        #expect(await stage.failure { try await kind.call(client) }?.code == .unauthenticated)
        #expect(stage.table.count == 0)
    }

    @Test("a response that is tampered with is refused", arguments: Kind.allCases, Tampering.allCases)
    func response(kind: Kind, tampering: Tampering) async throws {
        let last = kind == .serverStreaming ? 2 : kind == .bidirectional ? 1 : 0
        for target in 0...last {
            let stage = Stage(.pipe) { wire in
                MeddlingWire(below: wire) { isRequest, index, item in
                    if !isRequest, index == target { tampering.apply(&item) }
                }
            }
            try Words.register(on: stage.router, authorizer: Self.seal())
            let client = stage.client.authorized(by: Self.seal())
            #expect(await stage.failure { try await kind.call(client) }?.code == .unauthenticated)
            #expect(stage.table.count == 0)
        }
    }

    @Test("a request that was seen before is refused", arguments: Kind.allCases)
    func replayed(kind: Kind) async throws {
        let (stage, record) = (Stage(.pipe), Record())
        try Words.register(on: stage.router, authorizer: Self.seal(), record: record)
        // Two callers whose nonces are the same make the very same bytes.
        let (first, second) = (Self.seal(from: 5), Self.seal(from: 5))
        #expect(
            try await stage.run { try await kind.call(stage.client.authorized(by: first)) } == kind.expected)
        let error = await stage.failure { try await kind.call(stage.client.authorized(by: second)) }
        #expect(error == RPCError(.unauthenticated, "seal: the nonce was used before"))
        #expect(record.count == 1)
    }

    @Test("a response of an earlier call is refused")
    func olderResponse() async throws {
        let kept = Kept()
        let stage = Stage(.pipe) { wire in
            MeddlingWire(below: wire) { isRequest, index, item in
                guard !isRequest else { return }
                kept.swap(&item, index)
            }
        }
        try Words.register(on: stage.router, authorizer: Self.seal())
        let client = stage.client.authorized(by: Self.seal())
        #expect(try await stage.run { try await Kind.unary.call(client) } == ["ABC"])
        let error = await stage.failure { try await Kind.unary.call(client) }
        #expect(error == RPCError(.unauthenticated, "seal: the nonce is not that of the request"))
    }

    @Test(
        "an empty stream of requests proves nothing and is refused",
        arguments: [Kind.clientStreaming, .bidirectional])
    func emptyRequests(kind: Kind) async throws {
        let (stage, record) = (Stage(.pipe), Record())
        try Words.register(on: stage.router, authorizer: Self.seal(), record: record)
        let client = stage.client.authorized(by: Self.seal())
        #expect(await stage.failure { try await kind.call(client, []) }?.code == .unauthenticated)
        #expect(record.count == 0)
    }

    @Test("an empty stream of responses proves nothing and is refused")
    func emptyResponses() async throws {
        let stage = Stage(.pipe)
        try Words.register(on: stage.router, authorizer: Self.seal())
        let client = stage.client.authorized(by: Self.seal())
        let error = await stage.failure { try await Kind.serverStreaming.call(client, [""]) }
        #expect(error?.code == .unauthenticated)
    }

    @Test("an allow-list lets in its peers and nobody else", arguments: Kind.allCases)
    func allowList(kind: Kind) async throws {
        let (stage, record) = (Stage(.pipe), Record())
        let list = AllowListAuthorizer([RPCPeer.libp2p("someone")])
        try Words.register(on: stage.router, authorizer: list, record: record)
        let refused = await stage.failure { try await kind.call(stage.client) }
        #expect(refused?.code == .permissionDenied)
        #expect(record.count == 0)
        list.replace(with: [Stage.caller])
        #expect(try await stage.run { try await kind.call(stage.client) } == kind.expected)
    }

    @Test(
        "a rate limit refuses the call too many of any kind, says when to call again, and no handler starts",
        arguments: Kind.allCases, Travel.allCases)
    func rateLimit(kind: Kind, travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        let rate = RateLimitAuthorizer(callsPerSecond: 2, burst: 3) { stage.scheduler.now() }
        try Words.register(on: stage.router, authorizer: rate, record: record)
        for _ in 0..<3 {
            #expect(try await stage.run { try await kind.call(stage.client) } == kind.expected)
        }
        let error = await stage.failure { try await kind.call(stage.client) }
        #expect(error?.code == .resourceExhausted)
        #expect(record.count == 3)
        #expect(stage.table.count == 0)
        let wait = try #require(error?.retryAfter)
        #expect(wait > .milliseconds(499) && wait <= .milliseconds(501))
        stage.advance(wait)
        #expect(try await stage.run { try await kind.call(stage.client) } == kind.expected)
        #expect(record.count == 4)
    }

    @Test("a bucket table forgets the key that was asked for the longest time ago")
    func buckets() {
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var buckets = TokenBuckets<Int>(perSecond: 1, burst: 1, keysMax: 2)
        #expect(buckets.take(1, now: now) == nil)
        #expect(buckets.take(2, now: now) == nil)
        #expect(buckets.take(1, now: now) != nil)
        #expect(buckets.take(3, now: now) == nil)
        #expect(buckets.count == 2)
        #expect(buckets.take(1, now: now) != nil)
        #expect(buckets.take(2, now: now) == nil)
        for key in 0..<10_000 { _ = buckets.take(key, now: now) }
        #expect(buckets.count == 2)
    }

    @Test("a clock that goes backwards gives no tokens")
    func backwards() {
        let now = NIODeadline.uptimeNanoseconds(10_000_000_000)
        var buckets = TokenBuckets<Int>(perSecond: 1, burst: 1, keysMax: 2)
        #expect(buckets.take(1, now: now) == nil)
        #expect(buckets.take(1, now: now - .seconds(5)) != nil)
        #expect(buckets.take(1, now: now) != nil)
        #expect(buckets.take(1, now: now + .seconds(1)) == nil)
    }
}
