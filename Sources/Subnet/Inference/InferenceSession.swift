public import NIOCore
public import SubnetRPC
public import SubnetServices

/// One answer, streamed from whichever hoster is alive.
///
/// Tokens are checked to be consecutive. When a hoster fails in the middle, another one with the same model
/// continues behind the last token received: sampling depends on the seed and the position alone, so the
/// joined text is the text an undisturbed run gives.
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
    /// How often another hoster is tried.
    public var failoversMax = 8
    /// For each call to one hoster.
    public var deadline: Duration = .seconds(120)

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
    /// - Throws: `RPCError`: the last hoster's refusal when no other is left; `.unavailable` when there
    ///   never was one; what `onToken` throws.
    /// - Important: cancelling the task cancels the call at the hoster.
    public func generate(
        _ request: InferenceGenerateRequest, now: @Sendable () -> NIODeadline = { .now() },
        onToken: (Token) async throws -> Void
    ) async throws -> Summary {
        var progress = Progress(request: request, start: now())
        var failed: [RPCPeer] = []
        var fingerprint: String?
        var lastError: (any Error)?
        for _ in 0...self.failoversMax {
            let candidates = try await self.hosters()
            // A hoster that failed is tried again only when there is no other.
            guard let peer = candidates.first(where: { !failed.contains($0) }) ?? candidates.first else {
                break
            }
            do {
                let info = try await self.client.call(
                    Inference.info, InferenceInfoRequest(), to: peer, deadline: self.deadline)
                guard fingerprint == nil || fingerprint == info.fingerprint else {
                    throw RPCError(
                        .failedPrecondition, "\(peer) serves another model than the answer was begun with")
                }
                fingerprint = info.fingerprint
                if try await self.run(on: peer, &progress, now: now, onToken) { return progress.summary }
                lastError = RPCError(.dataLoss, "\(peer) ended the answer early")
            } catch let error as RPCError where error.code != .cancelled && error.code != .invalidArgument {
                lastError = error
            }
            failed.append(peer)
            try Task.checkCancellation()
        }
        throw lastError ?? RPCError(.unavailable, "no hoster is known")
    }

    /// - Returns: whether the answer is complete.
    private func run(
        on peer: RPCPeer, _ progress: inout Progress, now: @Sendable () -> NIODeadline,
        _ onToken: (Token) async throws -> Void
    ) async throws -> Bool {
        let responses = try await self.client.call(
            Inference.generate, progress.request, to: peer, deadline: self.deadline)
        for try await response in responses {
            guard response.index == UInt32(clamping: progress.request.generatedTokens.count) else {
                throw RPCError(.dataLoss, "\(peer) sent token \(response.index) out of order")
            }
            progress.received(response, from: peer, now: now())
            try await onToken(
                Token(
                    index: Int(response.index), token: response.token, bytes: Array(response.text), peer: peer
                ))
            if !response.finishReason.isEmpty {
                progress.summary.finishReason = response.finishReason
                return true
            }
        }
        return false
    }

    /// What is known of the answer so far.
    private struct Progress {
        var request: InferenceGenerateRequest
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
