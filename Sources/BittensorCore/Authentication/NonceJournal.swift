/// Keeps, across restarts, up to which moment nonces may have been accepted.
public protocol NonceJournal: Sendable {
    /// The mark of earlier runs, in nanoseconds since 1970; `nil` when there never was one.
    ///
    /// - Throws: when it cannot be read. Nobody is believed then.
    func load() async throws -> Int64?

    /// Writes a mark so that it survives the end of the process. Calls do not overlap, and marks only rise.
    ///
    /// - Throws: when it was not written. The requests that wait for it are refused.
    func mark(upTo nanoseconds: Int64) async throws
}
