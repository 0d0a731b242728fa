internal import AccountKeys
internal import NIOCore
internal import Synchronization
internal import Testing

@testable internal import BittensorCore

@Suite struct NonceTests {
    static let second: Int64 = 1_000_000_000
    static let window: Int64 = 64 * second
    static let now = UnixTime.test.nanoseconds

    static func store(_ limits: SynapseLimits = .init(), floor: Int64 = 0, isJournaled: Bool = false)
        -> NonceStore
    {
        NonceStore(windowMax: self.window, limits: limits, floor: floor, isJournaled: isJournaled)
    }

    @Test func anyOrderIsLegalAndReplaysAreNot() {
        var store = Self.store()
        for offset in [0, -5, 3, -60, 1] as [Int64] {
            let nonce = Self.now + offset * Self.second
            #expect(store.claim(hotkey: "a", scope: "u", nonce: nonce, now: Self.now) == .accepted)
            #expect(store.claim(hotkey: "a", scope: "u", nonce: nonce, now: Self.now) == .replayed)
        }
        #expect(store.claim(hotkey: "a", scope: "v", nonce: Self.now, now: Self.now) == .accepted)
        #expect(store.claim(hotkey: "b", scope: "u", nonce: Self.now, now: Self.now) == .accepted)
        #expect(store.count == 7)
    }

    @Test func whatLeavesTheWindowIsForgottenButNeverAcceptedAgain() {
        var store = Self.store()
        #expect(store.claim(hotkey: "a", scope: "u", nonce: Self.now, now: Self.now) == .accepted)
        let later = Self.now + 70 * Self.second
        #expect(store.claim(hotkey: "a", scope: "u", nonce: later, now: later) == .accepted)
        #expect(store.count == 1)
        // The clock is set back: the nonce would be fresh again, and is not in the set.
        #expect(store.claim(hotkey: "a", scope: "u", nonce: Self.now, now: Self.now) == .beforeFloor)
    }

    @Test func memoryIsBoundedAndFullRefusesTheOldestNotTheNewest() {
        var limits = SynapseLimits()
        limits.noncesMax = 10
        var store = Self.store(limits)
        for offset in 0..<100 as Range<Int64> {
            let nonce = Self.now + offset * Self.second / 4
            #expect(store.claim(hotkey: "h\(offset)", scope: "u", nonce: nonce, now: Self.now) == .accepted)
            #expect(store.count <= 10)
        }
        for offset in 0..<80 as Range<Int64> {
            let nonce = Self.now + offset * Self.second / 4
            let claim = store.claim(hotkey: "h\(offset)", scope: "u", nonce: nonce, now: Self.now)
            #expect(claim == .beforeFloor || claim == .replayed)
        }
    }

    @Test func oneHotkeyCannotFillTheTable() {
        var limits = SynapseLimits()
        limits.noncesPerHotkeyMax = 3
        var store = Self.store(limits)
        for offset in 0..<3 as Range<Int64> {
            #expect(
                store.claim(hotkey: "a", scope: "u", nonce: Self.now + offset, now: Self.now) == .accepted)
        }
        #expect(store.claim(hotkey: "a", scope: "u", nonce: Self.now + 9, now: Self.now) == .tooMany)
        #expect(store.claim(hotkey: "b", scope: "u", nonce: Self.now + 9, now: Self.now) == .accepted)
        let later = Self.now + 70 * Self.second
        #expect(store.claim(hotkey: "a", scope: "u", nonce: later, now: later) == .accepted)
    }

    @Test func nothingIsAcceptedBeyondTheMark() {
        var store = Self.store(floor: Self.now - Self.second, isJournaled: true)
        let claim = store.claim(hotkey: "a", scope: "u", nonce: Self.now, now: Self.now)
        #expect(claim == .needsMark(upTo: Self.now + NonceStore.leadMax))
        store.marked(upTo: Self.now + NonceStore.leadMax)
        #expect(store.claim(hotkey: "a", scope: "u", nonce: Self.now, now: Self.now) == .accepted)
        let ahead = Self.now + NonceStore.leadMax + 1
        #expect(store.claim(hotkey: "a", scope: "u", nonce: ahead, now: Self.now) != .accepted)
    }

    @Test func pythonsTableIsBounded() {
        var limits = SynapseLimits()
        limits.noncePairsMax = 8
        var table = LastNonceTable(limits: limits)
        let isKept = (0..<100).map { table.keep($0, of: "a:\($0)") }
        #expect(isKept.allSatisfy { $0 })
        #expect(table.last("a:99") == 99)
        #expect(table.last("a:0") == nil)
        let isKeptAgain = table.keep(99, of: "a:99")
        let isHigherKept = table.keep(100, of: "a:99")
        #expect(!isKeptAgain && isHigherKept)
    }

    @Test func pythonsTableKeepsNoTexts() {
        var table = LastNonceTable(limits: SynapseLimits())
        let pair = LastNonceTable.pair("a", String(repeating: "u", count: 8 << 10))
        let isKept = table.keep(7, of: pair)
        let last = table.last(pair)
        #expect(isKept && last == 7)
        // However long the uuid is, what is kept of it is not.
        let kept = Mirror(reflecting: table).descendant("young") as? [UInt128: Int]
        #expect(kept?.count == 1)
    }

    @Test func nothingOverflowsAtTheEndOfTime() {
        var store = Self.store()
        let end = Int64.max
        #expect(store.claim(hotkey: "a", scope: "u", nonce: end - 1, now: end) == .accepted)
        #expect(store.claim(hotkey: "a", scope: "u", nonce: end, now: end) == .accepted)
        #expect(store.claim(hotkey: "a", scope: "u", nonce: end, now: end) == .replayed)
    }

    @Test func twoScopesAreUsedTogetherOrNotAtAll() {
        var store = Self.store()
        let now = Self.now
        #expect(store.claim(hotkey: "a", scope: "u", nonce: now, now: now) == .accepted)
        #expect(store.claim(hotkey: "a", scope: "b", and: "u", nonce: now, now: now) == .replayed)
        #expect(store.claim(hotkey: "a", scope: "b", and: "v", nonce: now, now: now) == .accepted)
        #expect(store.claim(hotkey: "a", scope: "v", nonce: now, now: now) == .replayed)
        #expect(store.count == 3)
    }

    @Test(arguments: [AxonMode.strict(.init()), .compatible(.python105)])
    func `a request of both generations is good once`(mode: AxonMode) async throws {
        let journal = Journal()
        let authenticator = try Self.authenticator(journal, mode)
        try await authenticator.prepare()
        // Whole and then with its classic headers alone, which protect no body; and the other way round.
        for (offset, isWholeFirst) in [(0.0, true), (0.5, false)] {
            let nonce = UnixTime.test.plus(seconds: offset)
            let signed = try SignedRequest(Specs(), nonce: nonce, authentication: .both)
            let head = try SynapseHeaders.decode(
                signed.head.headers, schema: SynapseSchema(name: "Synapse", fields: []), rules: .strict
            ).head
            let bodies: [ByteBuffer?] = isWholeFirst ? [signed.body, nil] : [nil, signed.body]
            var refusals: [VerificationRefusal.Reason?] = []
            for body in bodies {
                let request = AuthenticationRequest(
                    method: signed.head.method, target: signed.head.target, headers: signed.head.headers,
                    head: head, body: body)
                refusals.append(await Self.refusal(authenticator, request, nonce))
            }
            #expect(refusals == [nil, .replayed])
        }
    }

    // MARK: Restart

    /// A journal in memory that outlives the authenticators of a test.
    final class Journal: NonceJournal {
        let mark = Mutex<Int64?>(nil)
        let writes = Mutex(0)
        let isBroken = Mutex(false)
        struct Broken: Error {}

        func load() async throws -> Int64? { self.mark.withLock { $0 } }

        func mark(upTo nanoseconds: Int64) async throws {
            if self.isBroken.withLock({ $0 }) { throw Broken() }
            self.mark.withLock { $0 = max($0 ?? 0, nanoseconds) }
            self.writes.withLock { $0 += 1 }
        }
    }

    static func authenticator(_ journal: Journal, _ mode: AxonMode = .strict(.init())) throws
        -> RequestAuthenticator
    {
        try RequestAuthenticator(
            mode: mode, hotkey: try AccountID(ss58: TestKeys.axonAddress), journal: journal)
    }

    static func request(_ nonce: UnixTime, _ kind: DendriteAuthentication = .synapse) throws
        -> AuthenticationRequest
    {
        let signed = try SignedRequest(Specs(), nonce: nonce, authentication: kind)
        let schema = SynapseSchema(name: "Synapse", fields: [])
        return AuthenticationRequest(
            method: signed.head.method, target: signed.head.target, headers: signed.head.headers,
            head: try SynapseHeaders.decode(signed.head.headers, schema: schema, rules: .strict).head,
            body: kind == .synapse ? nil : signed.body)
    }

    static func refusal(
        _ authenticator: RequestAuthenticator, _ request: AuthenticationRequest, _ now: UnixTime
    ) async -> VerificationRefusal.Reason? {
        do throws(VerificationRefusal) {
            _ = try await authenticator.authenticate(request, now: now)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(arguments: [DendriteAuthentication.synapse, .btauth1])
    func replayAfterARestartIsRefused(kind: DendriteAuthentication) async throws {
        let journal = Journal()
        let first = try Self.authenticator(journal)
        let ahead = try Self.request(UnixTime.test.plus(seconds: 1.5), kind)
        let request = try Self.request(.test, kind)
        #expect(await Self.refusal(first, request, .test) == .unavailable)
        try await first.prepare()
        #expect(await Self.refusal(first, request, .test) == nil)
        #expect(await Self.refusal(first, ahead, .test) == nil)
        #expect(await Self.refusal(first, request, .test) == .replayed)
        // The process is killed; the next one starts at once.
        let second = try Self.authenticator(journal)
        try await second.prepare()
        #expect(await Self.refusal(second, request, UnixTime.test.plus(seconds: 0.1)) == .replayed)
        #expect(await Self.refusal(second, ahead, UnixTime.test.plus(seconds: 0.1)) == .replayed)
        // A little later new requests pass again.
        let later = UnixTime.test.plus(seconds: 4)
        let honest = try Self.request(later, kind)
        #expect(await Self.refusal(second, honest, later) == nil)
    }

    @Test func aJournalWithoutAMarkLeavesTheFloorAtTheStart() async throws {
        let hotkey = try AccountID(ss58: TestKeys.axonAddress)
        let before = try Self.request(UnixTime.test.plus(seconds: -1))
        let empty = try RequestAuthenticator(
            mode: .strict(.init()), hotkey: hotkey, floor: UnixTime.test, journal: Journal())
        try await empty.prepare()
        #expect(await Self.refusal(empty, before, .test) == .replayed)
        let honest = try Self.request(UnixTime.test.plus(seconds: 0.1))
        #expect(await Self.refusal(empty, honest, UnixTime.test.plus(seconds: 0.1)) == nil)
        // A mark says more than the start does.
        let journal = Journal()
        journal.mark.withLock { $0 = UnixTime.test.plus(seconds: -2).nanoseconds }
        let marked = try RequestAuthenticator(
            mode: .strict(.init()), hotkey: hotkey, floor: UnixTime.test, journal: journal)
        try await marked.prepare()
        #expect(await Self.refusal(marked, before, .test) == nil)
    }

    @Test func theJournalIsWrittenSeldom() async throws {
        let journal = Journal()
        let authenticator = try Self.authenticator(journal)
        try await authenticator.prepare()
        for step in 0..<40 {
            let moment = UnixTime.test.plus(seconds: Double(step) * 0.1)
            #expect(await Self.refusal(authenticator, try Self.request(moment), moment) == nil)
        }
        #expect(journal.writes.withLock { $0 } <= 3)
    }

    /// A journal whose writes take until the test lets them end.
    actor SlowJournal: NonceJournal {
        private(set) var marks: [Int64] = []
        private var isOverlapped = false
        private var isWriting = false

        func load() async throws -> Int64? { nil }

        func mark(upTo nanoseconds: Int64) async throws {
            if self.isWriting { self.isOverlapped = true }
            self.isWriting = true
            for _ in 0..<20 { await Task.yield() }
            self.isWriting = false
            self.marks.append(nanoseconds)
        }

        var isOrderly: Bool { !self.isOverlapped && self.marks == self.marks.sorted() }
    }

    @Test func marksAreWrittenOneByOneAndOnlyRise() async throws {
        let journal = SlowJournal()
        let authenticator = try RequestAuthenticator(
            mode: .strict(.init()), hotkey: try AccountID(ss58: TestKeys.axonAddress), journal: journal)
        try await authenticator.prepare()
        let requests = try (0..<32).map { step in
            let moment = UnixTime.test.plus(seconds: Double((step * 7) % 32))
            return (try Self.request(moment), moment)
        }
        let accepted = await withTaskGroup(of: Bool.self) { group in
            for (request, moment) in requests {
                group.addTask { await Self.refusal(authenticator, request, moment) == nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(accepted == 32)
        #expect(await journal.isOrderly)
        let highest = authenticator.highestAccepted().nanoseconds
        #expect(await journal.marks.last ?? 0 >= highest)
    }

    @Test func aJournalThatCannotBeWrittenFailsClosed() async throws {
        let journal = Journal()
        let authenticator = try Self.authenticator(journal)
        try await authenticator.prepare()
        journal.isBroken.withLock { $0 = true }
        let request = try Self.request(.test)
        #expect(await Self.refusal(authenticator, request, .test) == .unavailable)
        journal.isBroken.withLock { $0 = false }
        #expect(await Self.refusal(authenticator, request, .test) == nil)
    }

    @Test func ofManyAtOnceOneWins() async throws {
        let journal = Journal()
        let authenticator = try Self.authenticator(journal)
        try await authenticator.prepare()
        let request = try Self.request(.test)
        let accepted = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask { await Self.refusal(authenticator, request, .test) == nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(accepted == 1)
    }

    @Test func policiesAreChecked() throws {
        let hotkey = try AccountID(ss58: TestKeys.axonAddress)
        for policy in [
            StrictPolicy(ageMax: .seconds(-1)), StrictPolicy(timeoutMax: .seconds(99_999)),
            StrictPolicy(btauth: nil, requiresBTAuth: true),
        ] {
            #expect(throws: BittensorError.self) {
                try RequestAuthenticator(mode: .strict(policy), hotkey: hotkey)
            }
        }
        #expect(throws: BittensorError.self) { try BTAuthPolicy(ageMax: .seconds(-1)) }
    }
}
