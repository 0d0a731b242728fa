/// Code around calls that go out.
///
/// It may change the head (add metadata), refuse the call, or wrap the stream to see each item.
///
/// `next` is `@concurrent` so that the requirement reads the same in modules with and without
/// `NonisolatedNonsendingByDefault`.
public protocol ClientInterceptor: Sendable {
    /// Opens a call, usually by calling `next` with the head or a changed one.
    func open(
        _ head: CallHead, next: @concurrent @Sendable (CallHead) async throws -> any ClientCallStream
    ) async throws -> any ClientCallStream
}

/// Code around calls that come in, inside limits and deadline and outside of authorizer and handler.
///
/// It may refuse the call by throwing, wrap the stream to see each item, or look at the outcome.
public protocol ServerInterceptor: Sendable {
    /// Serves a call, usually by calling `next` with the stream or one that wraps it.
    func serve(
        _ stream: any ServerCallStream, _ context: CallContext,
        next: @concurrent @Sendable (any ServerCallStream) async throws -> Void
    ) async throws
}

/// Counts calls. It is called on the path of every call and must neither block nor throw.
public protocol RPCMetrics: Sendable {
    /// A call begins.
    func callStarted(_ side: AuthorizerRole, _ head: CallHead)
    /// A call has ended; `code` is `nil` for success.
    func callFinished(
        _ side: AuthorizerRole, _ head: CallHead, code: RPCError.Code?, after duration: Duration)
}
