public import LibP2PIdentity

extension Host {
    /// Runs `body`, and the child tasks it makes, on the event loop that owns the connection with `peer`.
    ///
    /// Calls and streams of that peer then need no hop between threads, which is most of the latency of a
    /// small call. Code that computes for long does not belong here: it would hold up every connection of the
    /// loop. Without a connection, `body` runs on any loop of the host.
    public func withConnectionExecutor<Value>(
        of peer: PeerID, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
    ) async rethrows -> Value {
        try await withTaskExecutorPreference(self.executor(for: peer)) { try await body() }
    }
}
