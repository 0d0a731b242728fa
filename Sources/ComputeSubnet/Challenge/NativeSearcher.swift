internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Searches for a password on this machine's CPU: what a miner without hashcat does.
///
/// The threads are its own, so a search of half a minute blocks neither an event loop nor the threads of
/// Swift's tasks. Each takes chunks of candidates from a counter and looks at clock and cancellation between
/// chunks.
package struct NativeSearcher: Sendable {
    /// How a search ended.
    package enum Outcome: Sendable, Hashable {
        /// The password.
        case found(String)
        /// Every candidate was tried.
        case exhausted
        /// The deadline passed.
        case timedOut
        /// The calling task was cancelled.
        case cancelled
    }

    private let threads: Int

    /// A searcher on this many threads, at least one and at most 256.
    package init(threads: Int) {
        self.threads = min(max(threads, 1), 256)
    }

    /// Tries all candidates until one hashes to the digest. Cancelling ends it within milliseconds.
    package func search(_ problem: SearchProblem, deadline: ContinuousClock.Instant) async -> Outcome {
        let search = Search(problem, deadline: deadline)
        let pool = NIOThreadPool(numberOfThreads: self.threads)
        pool.start()
        await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<self.threads {
                    // Fails only when the pool is shut down, which happens below.
                    group.addTask { try? await pool.runIfActive { search.run() } }
                }
            }
        } onCancel: {
            search.stop()
        }
        try? await pool.shutdownGracefully()
        return search.outcome(isCancelled: Task.isCancelled)
    }
}

/// What the threads of one search share.
private final class Search: Sendable {
    /// Rows of candidates that differ only in their first character; about a millisecond of work.
    private static let rowsPerChunk: UInt64 = 256

    private let problem: SearchProblem
    private let deadline: ContinuousClock.Instant
    private let rows: UInt64
    private let nextRow = Atomic<UInt64>(0)
    private let isStopped = Atomic<Bool>(false)
    private let isLate = Atomic<Bool>(false)
    private let found = Mutex<String?>(nil)

    init(_ problem: SearchProblem, deadline: ContinuousClock.Instant) {
        self.problem = problem
        self.deadline = deadline
        self.rows = problem.candidates / UInt64(problem.charset.count)
    }

    func stop() { self.isStopped.store(true, ordering: .relaxed) }

    func outcome(isCancelled: Bool) -> NativeSearcher.Outcome {
        if let password = self.found.withLock({ $0 }) { return .found(password) }
        if isCancelled { return .cancelled }
        return self.isLate.load(ordering: .relaxed) ? .timedOut : .exhausted
    }

    /// Takes chunks until there are no more. Runs on each thread.
    func run() {
        var candidates = CandidateBlock(self.problem)
        while !self.isStopped.load(ordering: .relaxed) {
            guard ContinuousClock.now < self.deadline else {
                self.isLate.store(true, ordering: .relaxed)
                return self.stop()
            }
            let start = self.nextRow.wrappingAdd(Self.rowsPerChunk, ordering: .relaxed).oldValue
            guard start < self.rows else { return }
            let end = min(start + Self.rowsPerChunk, self.rows)
            guard let password = candidates.search(rows: start..<end, of: self.problem) else { continue }
            self.found.withLock { $0 = password }
            return self.stop()
        }
    }
}

/// The message block of a candidate, password and salt, and how a character changes it.
private struct CandidateBlock {
    /// The password with the salt behind it, zeros to 32 bytes.
    private var bytes = [UInt8](repeating: 0, count: BLAKE2bCompression.messageBytesMax)
    /// Which character of the set stands at each place but the first; the second place counts fastest.
    private var digits: [Int]
    private let target: UInt64

    init(_ problem: SearchProblem) {
        self.digits = [Int](repeating: 0, count: problem.difficulty)
        for (index, byte) in problem.salt.enumerated() { self.bytes[problem.difficulty + index] = byte }
        self.target = Self.word(problem.digest, at: 0)
    }

    /// The password in these rows, if it is there.
    mutating func search(rows: Range<UInt64>, of problem: SearchProblem) -> String? {
        self.move(to: rows.lowerBound, of: problem)
        let firstCharacters = problem.charset.map(UInt64.init)
        let count = UInt64(problem.difficulty + problem.salt.count)
        var row = rows.lowerBound
        while row < rows.upperBound {
            // The first byte of the message is the first character, and zero in `bytes`.
            let m0 = Self.word(self.bytes, at: 0)
            let m1 = Self.word(self.bytes, at: 8)
            let m2 = Self.word(self.bytes, at: 16)
            let m3 = Self.word(self.bytes, at: 24)
            for first in firstCharacters
            where BLAKE2bCompression.firstWord(m0 | first, m1, m2, m3, count: count) == self.target {
                var password = Array(self.bytes.prefix(problem.difficulty))
                password[0] = UInt8(truncatingIfNeeded: first)
                if problem.isSolved(by: password) { return String(decoding: password, as: UTF8.self) }
            }
            row += 1
            self.advance(of: problem)
        }
        return nil
    }

    private mutating func move(to row: UInt64, of problem: SearchProblem) {
        var rest = row
        for place in 1..<max(problem.difficulty, 1) {
            self.digits[place] = Int(rest % UInt64(problem.charset.count))
            rest /= UInt64(problem.charset.count)
            self.bytes[place] = problem.charset[self.digits[place]]
        }
    }

    private mutating func advance(of problem: SearchProblem) {
        for place in 1..<max(problem.difficulty, 1) {
            self.digits[place] += 1
            let isCarried = self.digits[place] == problem.charset.count
            if isCarried { self.digits[place] = 0 }
            self.bytes[place] = problem.charset[self.digits[place]]
            if !isCarried { return }
        }
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<8 { word |= UInt64(bytes[offset + index]) &<< UInt64(8 * index) }
        return word
    }
}
