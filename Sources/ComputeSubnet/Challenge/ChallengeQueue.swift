/// Who runs next: a bounded first-in-first-out queue in front of a searcher that takes one job at a time.
///
/// Without IO: instants are arguments. A job is *running* (at most one), *waiting*, or unknown. It is refused
/// when it arrives if the queue is full or if it could not start in time as far as the mean of former runs
/// tells, so that no caller waits for an answer that is bound to be late.
struct ChallengeQueue: Sendable {
    typealias Instant = ContinuousClock.Instant
    typealias ID = UInt64

    /// What becomes of a job that arrives.
    enum Admission: Sendable, Equatable {
        case run
        case wait
        case refuse(ChallengeRefusal)
    }

    private struct Waiter {
        var id: ID
        var deadline: Instant
    }

    private let limits: ChallengeLimits
    private var waiting: [Waiter] = []
    private var running: (id: ID, since: Instant)?
    /// Of former runs, weighted towards the newest; nil before the first.
    private var meanRunTime: Duration?

    init(limits: ChallengeLimits) { self.limits = limits }

    /// How many wait.
    var count: Int { self.waiting.count }

    /// Whether a job runs.
    var isBusy: Bool { self.running != nil }

    /// A job came.
    mutating func arrived(_ id: ID, deadline: Instant, now: Instant) -> Admission {
        guard now + self.limits.runTimeMin <= deadline else {
            return .refuse(ChallengeRefusal(.tooLate, "less than \(self.limits.runTimeMin) are left"))
        }
        guard let running = self.running else {
            self.running = (id, now)
            return .run
        }
        guard self.waiting.count < self.limits.queueLengthMax else {
            return .refuse(
                ChallengeRefusal(.queueFull, "\(self.limits.queueLengthMax) challenges wait already"))
        }
        if let mean = self.meanRunTime {
            let rest = max(mean - (now - running.since), .zero)
            let start = now + rest + mean * self.waiting.count
            guard start + self.limits.runTimeMin <= deadline else {
                return .refuse(
                    ChallengeRefusal(.tooLate, "its turn would come too late for its deadline"))
            }
        }
        self.waiting.append(Waiter(id: id, deadline: deadline))
        return .wait
    }

    /// The running job ended. Returns the job that runs now, and those whose time was up before their turn.
    mutating func finished(_ id: ID, now: Instant) -> (next: ID?, late: [ID]) {
        guard let running = self.running, running.id == id else { return (nil, []) }
        let runTime = now - running.since
        self.meanRunTime = self.meanRunTime.map { ($0 * 3 + runTime) / 4 } ?? runTime
        self.running = nil
        var late: [ID] = []
        while !self.waiting.isEmpty {
            let first = self.waiting.removeFirst()
            if now + self.limits.runTimeMin <= first.deadline {
                self.running = (first.id, now)
                return (first.id, late)
            }
            late.append(first.id)
        }
        return (nil, late)
    }

    /// A waiting job gave up. Returns whether it was waiting.
    mutating func left(_ id: ID) -> Bool {
        guard let index = self.waiting.firstIndex(where: { $0.id == id }) else { return false }
        self.waiting.remove(at: index)
        return true
    }
}
