public import AccountKeys
internal import Synchronization

/// Verifies the senders of requests for one server: the verifiers, and the nonces that were used.
///
/// Signatures are checked outside of the lock; only claiming a nonce takes it.
public final class RequestAuthenticator: Sendable {
    /// How senders are verified.
    public let mode: AxonMode
    /// SS58 address of the server.
    public let hotkey: String
    private let mark: NonceMark?
    /// Nonces of the strict rule, and of `btauth/1`.
    private let nonces: Mutex<NonceStore>
    /// Nonces of Python's rule.
    private let last: Mutex<LastNonceTable>
    private let isReady: Mutex<Bool>
    /// Refused up to here where no journal says more.
    private let floor: Int64

    /// A verifier.
    ///
    /// - Parameters:
    ///   - mode: how senders are verified.
    ///   - hotkey: the account of the server: requests must be signed for it.
    ///   - limits: how many nonces are remembered.
    ///   - floor: nonces up to this moment are refused, unless a journal holds a mark. Give the moment of the
    ///     start, so that what was accepted before a restart cannot be repeated.
    ///   - journal: keeps the mark of accepted nonces. With one, call ``prepare()`` first.
    /// - Throws: ``BittensorError/Code/invalidConfiguration``.
    public init(
        mode: AxonMode, hotkey: AccountID, limits: SynapseLimits = .init(), floor: UnixTime? = nil,
        journal: (any NonceJournal)? = nil
    ) throws(BittensorError) {
        try mode.windows.validate()
        self.mode = mode
        self.hotkey = hotkey.ss58()
        self.mark = journal.map { NonceMark(journal: $0) }
        let start = floor?.nanoseconds ?? 0
        self.floor = start
        self.nonces = Mutex(
            NonceStore(
                windowMax: mode.windows.windowMax, limits: limits, floor: journal == nil ? start : 0,
                isJournaled: journal != nil))
        self.last = Mutex(LastNonceTable(limits: limits))
        self.isReady = Mutex(journal == nil)
    }

    /// Reads the journal: whatever an earlier run may have accepted is refused from now on. A journal without
    /// a mark may have lost it, and says nothing of earlier runs: then the floor holds.
    ///
    /// - Throws: ``BittensorError/Code/storage``.
    public func prepare() async throws(BittensorError) {
        guard let journal = self.mark else { return }
        do {
            let mark = try await journal.load()
            self.nonces.withLock { $0.raiseFloor(to: mark ?? self.floor) }
        } catch {
            throw BittensorError(.storage, "the journal of nonces cannot be read", cause: error)
        }
        self.isReady.withLock { $0 = true }
    }

    /// The highest nonce that was accepted: at an orderly end a journal may be lowered to it, so that the
    /// next run refuses nothing that is honest. Only once no request is verified any more.
    public func highestAccepted() -> UnixTime {
        UnixTime(nanoseconds: self.nonces.withLock { $0.highest })
    }

    /// How many nonces are remembered of the strict rule.
    package var nonceCount: Int { self.nonces.withLock { $0.count } }

    /// Verifies one request. It can only succeed once for each nonce.
    ///
    /// - Important: waits for the journal at most when no mark covers the nonce. Cancelling is safe.
    public func authenticate(
        _ request: AuthenticationRequest, now: UnixTime
    ) async throws(VerificationRefusal) -> VerifiedCaller {
        guard self.isReady.withLock({ $0 }) else {
            throw VerificationRefusal(.unavailable, "the journal of nonces has not been read")
        }
        if let body = request.body, let policy = self.mode.windows.btauth {
            let caller = try BTAuthVerifier(policy: policy, hotkey: self.hotkey).verify(
                method: request.method, target: request.target, headers: request.headers, body: body, now: now
            )
            try await self.claim(caller, of: request, now: now)
            return caller
        }
        guard !self.mode.windows.requiresBTAuth else {
            throw VerificationRefusal(.missing, "this server requires btauth/1")
        }
        let verifier = SynapseVerifier(mode: self.mode, hotkey: self.hotkey)
        let dendrite = request.head.dendrite
        guard self.mode.allows(.highWaterMarkNonces) else {
            let caller = try verifier.verify(request.head, last: nil, now: now)
            try await self.claim(
                caller, scope: Self.classicScope(dendrite), now: now, replayed: .usedNonce)
            return caller
        }
        let pair = LastNonceTable.pair(dendrite.hotkey, dendrite.uuid)
        let last = self.last.withLock { $0.last(pair) }
        let caller = try verifier.verify(request.head, last: last, now: now)
        guard self.last.withLock({ $0.keep(caller.nonce, of: pair) }) else { throw .usedNonce }
        return caller
    }

    private static func classicScope(_ dendrite: TerminalInfo) -> String { "uuid \(dendrite.uuid ?? "")" }

    /// Uses the nonce of a request of `btauth/1`. One that is signed the classic way too is one request: its
    /// classic headers alone would be believed with any body, so their nonce is used with it.
    private func claim(
        _ caller: VerifiedCaller, of request: AuthenticationRequest, now: UnixTime
    ) async throws(VerificationRefusal) {
        let replayed = VerificationRefusal(.replayed, "this nonce was already accepted from this hotkey")
        let dendrite = request.head.dendrite
        let isClassicToo = dendrite.hotkey == caller.hotkey && dendrite.nonce == caller.nonce
        let isOrdered = self.mode.allows(.highWaterMarkNonces)
        try await self.claim(
            caller, scope: "btauth/1", and: isClassicToo && !isOrdered ? Self.classicScope(dendrite) : nil,
            now: now, replayed: replayed)
        guard isClassicToo, isOrdered else { return }
        let pair = LastNonceTable.pair(dendrite.hotkey, dendrite.uuid)
        guard self.last.withLock({ $0.keep(caller.nonce, of: pair) }) else { throw replayed }
    }

    private func claim(
        _ caller: VerifiedCaller, scope: String, and other: String? = nil, now: UnixTime,
        replayed: VerificationRefusal
    ) async throws(VerificationRefusal) {
        // One mark covers the nonce; the second round is for one that was lowered meanwhile, which never is.
        for _ in 0..<2 {
            let claim = self.nonces.withLock {
                $0.claim(
                    hotkey: caller.hotkey, scope: scope, and: other, nonce: Int64(caller.nonce),
                    now: now.nanoseconds)
            }
            switch claim {
            case .accepted: return
            case .replayed: throw replayed
            case .beforeFloor:
                throw VerificationRefusal(.replayed, "Nonce is too old, it may have been used")
            case .tooMany:
                throw VerificationRefusal(.overloaded, "Too many requests of this hotkey at one time")
            case .needsMark(let upTo):
                do {
                    try await self.mark?.cover(upTo: upTo)
                } catch {
                    throw VerificationRefusal(.unavailable, "the journal of nonces cannot be written")
                }
                self.nonces.withLock { $0.marked(upTo: upTo) }
            }
        }
        throw VerificationRefusal(.unavailable, "the journal of nonces does not keep up")
    }
}
