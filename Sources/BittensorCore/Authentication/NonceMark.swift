/// Writes marks into the journal: one at a time, each higher than the one before, and one for all that wait.
actor NonceMark {
    private let journal: any NonceJournal
    /// What is in the journal.
    private var written: Int64 = 0
    /// The highest mark that anybody waits for.
    private var wanted: Int64 = 0
    private var isWriting = false
    /// At most one for each request that is being verified.
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(journal: any NonceJournal) {
        self.journal = journal
    }

    /// The mark of earlier runs.
    func load() async throws -> Int64? {
        let mark = try await self.journal.load()
        if let mark { self.written = max(self.written, mark) }
        return mark
    }

    /// Returns when the journal covers nonces up to a moment.
    ///
    /// - Throws: what the journal throws; then nothing is covered.
    /// - Important: cancelling may end the write, which then fails for this caller alone.
    func cover(upTo nanoseconds: Int64) async throws {
        self.wanted = max(self.wanted, nanoseconds)
        while self.isWriting {
            await withCheckedContinuation { self.waiters.append($0) }
        }
        guard self.written < nanoseconds else { return }
        self.isWriting = true
        defer {
            self.isWriting = false
            let waiters = self.waiters
            self.waiters = []
            for waiter in waiters { waiter.resume() }
        }
        let mark = self.wanted
        try await self.journal.mark(upTo: mark)
        self.written = max(self.written, mark)
    }
}
