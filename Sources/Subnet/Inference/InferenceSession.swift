public import NIOCore
public import SubnetRPC
public import SubnetServices

/// One answer, streamed from whichever hoster is alive.
///
/// Tokens are checked to be consecutive. When a hoster fails in the middle, another one with the same model
/// continues behind the last token received: sampling depends on the seed and the position alone, so the
/// joined text is the text an undisturbed run gives.
///
/// A hoster that is busy and says when to come again is passed over while there is another one, and waited
/// for when there is none, within ``answerDeadline``.
public struct InferenceSession: Sendable {
    /// A token of the answer.
    public struct Token: Sendable, Hashable {
        /// Position in the answer, from 0.
        public var index: Int
        /// Its number in the vocabulary.
        public var token: UInt32
        /// Its bytes; may be a part of a character.
        public var bytes: [UInt8]
        /// Who sent it.
        public var peer: RPCPeer
    }

    /// What an answer took.
    public struct Summary: Sendable, Hashable {
        /// Tokens received.
        public var tokens = 0
        /// Bytes of text.
        public var textBytes = 0
        /// From the first call to the first token.
        public var firstTokenTime: Duration?
        /// From the first call to the last token.
        public var totalTime = Duration.zero
        /// Hosters in the order they served.
        public var peers: [RPCPeer] = []
        /// Why it ended: "stop" or "length".
        public var finishReason = ""
    }

    /// Calls peers.
    public let client: Client
    /// Hosters to choose from, best first; asked again when one failed.
    public let hosters: @Sendable () async throws -> [RPCPeer]
    /// How often another hoster is tried. Asking one again that was waited for does not count.
    public var failoversMax = 8
    /// For each hoster, with all that it is asked: one that takes longer has failed.
    public var deadline: Duration = .seconds(120)
    /// For the whole answer, with everyone who is asked and waited for.
    public var answerDeadline: Duration = .seconds(600)

    /// The shortest pause before a busy hoster is asked again, whatever it says: what bounds how often it is.
    private static let pauseMin = TimeAmount.milliseconds(100)

    /// Makes a session.
    public init(client: Client, hosters: @escaping @Sendable () async throws -> [RPCPeer]) {
        self.client = client
        self.hosters = hosters
    }

    /// Generates the whole answer.
    ///
    /// - Parameters:
    ///   - request: what is asked; `generated_tokens` are tokens that are known already.
    ///   - now: the clock of the summary.
    ///   - onToken: called for every token in order, without gaps or repetitions.
    /// - Throws: `RPCError`: the last hoster's refusal when no other is left, or no time; `.unavailable` when
    ///   there never was one; what `onToken` throws. `CancellationError` or `RPCError` `.cancelled` when the
    ///   task was cancelled.
    /// - Important: cancelling the task cancels the call at the hoster, or the wait for one.
    public func generate(
        _ request: InferenceGenerateRequest, now: @Sendable () -> NIODeadline = { .now() },
        onToken: (Token) async throws -> Void
    ) async throws -> Summary {
        let clock = self.client.scheduler
        let end = clock.now() + TimeAmount(self.answerDeadline)
        var progress = Progress(request: request, start: now())
        var tries = Tries(failoversMax: self.failoversMax)
        var lastError: RPCError?
        while true {
            let candidates = try await self.hosters()
            guard let next = tries.next(of: candidates) else { break }
            if let time = next.time {
                // There is no use in waiting until it is too late.
                guard time < end else { break }
                try await self.pause(until: time)
            }
            guard clock.now() < end else { throw lastError ?? RPCError.deadlinePassed }
            let peer = next.peer
            let peerEnd = min(end, clock.now() + TimeAmount(self.deadline))
            let failure: RPCError
            do {
                let isComplete = try await self.run(
                    on: peer, until: peerEnd, &progress, now: now, onToken)
                if isComplete { return progress.summary }
                failure = RPCError(.dataLoss, "\(peer) ended the answer early")
            } catch let error as ReaderFailure {
                // Another hoster could not help.
                throw error.cause
            } catch let error as RPCError where error.code != .cancelled && error.code != .invalidArgument {
                failure = error
            }
            tries.hosterFailed(peer, failure, now: clock.now())
            lastError = failure
            try Task.checkCancellation()
        }
        throw lastError ?? RPCError(.unavailable, "no hoster is known")
    }

    /// Waits for `time` on the client's clock.
    ///
    /// - Throws: `CancellationError`.
    private func pause(until time: NIODeadline) async throws {
        let (waiting, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let timer = self.client.scheduler.schedule(at: time) { continuation.finish() }
        // Ends at the time, and at once when the task is cancelled.
        for await _ in waiting {}
        self.client.scheduler.cancel(timer)
        try Task.checkCancellation()
    }

    /// What is left until `end`. What is not positive fails the call that gets it.
    private func time(until end: NIODeadline) -> Duration {
        .nanoseconds((end - self.client.scheduler.now()).nanoseconds)
    }

    /// Lets one hoster go on behind the last token received.
    ///
    /// - Returns: whether the answer is complete.
    /// - Throws: ``ReaderFailure`` for what `onToken` throws.
    private func run(
        on peer: RPCPeer, until end: NIODeadline, _ progress: inout Progress,
        now: @Sendable () -> NIODeadline, _ onToken: (Token) async throws -> Void
    ) async throws -> Bool {
        let info = try await self.client.call(
            Inference.info, InferenceInfoRequest(), to: peer, deadline: self.time(until: end))
        guard progress.fingerprint == nil || progress.fingerprint == info.fingerprint else {
            throw RPCError(
                .failedPrecondition, "\(peer) serves another model than the answer was begun with")
        }
        progress.fingerprint = info.fingerprint
        let responses = try await self.client.call(
            Inference.generate, progress.request, to: peer, deadline: self.time(until: end))
        for try await response in responses {
            guard response.index == UInt32(clamping: progress.request.generatedTokens.count) else {
                throw RPCError(.dataLoss, "\(peer) sent token \(response.index) out of order")
            }
            progress.received(response, from: peer, now: now())
            let token = Token(
                index: Int(response.index), token: response.token, bytes: Array(response.text), peer: peer)
            do { try await onToken(token) } catch { throw ReaderFailure(cause: error) }
            if !response.finishReason.isEmpty {
                progress.summary.finishReason = response.finishReason
                return true
            }
        }
        return false
    }

    /// What `onToken` threw: no failure of the hoster, whatever error it is.
    private struct ReaderFailure: Error {
        var cause: any Error
    }

    /// Who was asked, and who is to be asked next.
    private struct Tries {
        /// A hoster, and the time to wait for before it is asked.
        struct Choice {
            var peer: RPCPeer
            var time: NIODeadline?
        }

        let failoversMax: Int
        /// Hosters asked without waiting for them.
        private var count = 0
        private var failed: Set<RPCPeer> = []
        /// Hosters that were busy, and when they may be asked again.
        private var busy: [RPCPeer: NIODeadline] = [:]

        init(failoversMax: Int) { self.failoversMax = failoversMax }

        /// The first that has not failed, else the busy one that is free first, else any. nil for none.
        mutating func next(of candidates: [RPCPeer]) -> Choice? {
            let mayFailOver = self.count <= self.failoversMax
            if mayFailOver, let fresh = candidates.first(where: { !self.failed.contains($0) }) {
                self.count += 1
                return Choice(peer: fresh)
            }
            var soonest: Choice?
            for peer in candidates {
                guard let time = self.busy[peer] else { continue }
                if let known = soonest?.time, known <= time { continue }
                soonest = Choice(peer: peer, time: time)
            }
            if let soonest { return soonest }
            guard mayFailOver, let peer = candidates.first else { return nil }
            self.count += 1
            return Choice(peer: peer)
        }

        /// Notes that a hoster failed, and whether it asked to come again.
        mutating func hosterFailed(_ peer: RPCPeer, _ error: RPCError, now: NIODeadline) {
            self.failed.insert(peer)
            let isBusy = error.code == .resourceExhausted || error.code == .unavailable
            self.busy[peer] = error.retryAfter.flatMap { retryAfter in
                isBusy ? now + max(TimeAmount(retryAfter), InferenceSession.pauseMin) : nil
            }
        }
    }

    /// What is known of the answer so far.
    private struct Progress {
        var request: InferenceGenerateRequest
        /// The model's, once a hoster has told.
        var fingerprint: String?
        let start: NIODeadline
        var summary = Summary()

        init(request: InferenceGenerateRequest, start: NIODeadline) {
            self.request = request
            self.start = start
        }

        mutating func received(_ response: InferenceGenerateResponse, from peer: RPCPeer, now: NIODeadline) {
            self.request.generatedTokens.append(response.token)
            self.summary.tokens += 1
            self.summary.textBytes += response.text.count
            let time = Duration.nanoseconds((now - self.start).nanoseconds)
            if self.summary.firstTokenTime == nil { self.summary.firstTokenTime = time }
            self.summary.totalTime = time
            if self.summary.peers.last != peer { self.summary.peers.append(peer) }
        }
    }
}
