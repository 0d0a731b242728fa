package import Logging
internal import NIOCore
internal import Synchronization

/// Solves challenges, one at a time in the order of their arrival, with hashcat or without it.
///
/// ``prepare()`` looks for hashcat; until it has shown that it can solve a challenge, and for ever when there
/// is none, the ``NativeSearcher`` does the work. The state behind the lock is who runs and who waits;
/// nothing is awaited, logged or resumed under it.
package final class ChallengeSolver: Sendable {
    /// What an operator can choose.
    package struct Configuration: Sendable, Hashable {
        /// Which searcher is used.
        package enum Searcher: String, Sendable, Hashable, CaseIterable { case automatic, hashcat, native }
        /// Which devices hashcat uses. `automatic`: GPUs where it lists one, else the CPU.
        package enum Device: String, Sendable, Hashable, CaseIterable { case automatic, cpu, gpu }

        /// Program name or path.
        package var hashcatPath = "hashcat"
        /// hashcat's `-w`, 1 to 4.
        package var workloadProfile = 3
        /// More of hashcat's arguments, one entry each; `-O` takes kernels for short passwords, twice as
        /// fast.
        package var extendedOptions = ["-O"]
        /// Which devices hashcat uses.
        package var device = Device.automatic
        /// Which searcher is used.
        package var searcher = Searcher.automatic
        /// Threads of the native searcher.
        package var threads = System.coreCount

        /// The defaults.
        package init() {}
    }

    private enum Backend: Sendable, Equatable {
        case native
        case hashcat(version: String, usesGPU: Bool)
    }

    private enum Turn: Sendable { case run, late, left }

    private struct State {
        var queue: ChallengeQueue
        var backend = Backend.native
        var lastID: UInt64 = 0
        /// Those who wait, and those who were told before they began to wait.
        var waiters: [UInt64: CheckedContinuation<Turn, Never>] = [:]
        var told: [UInt64: Turn] = [:]
    }

    private let configuration: Configuration
    private let limits: ChallengeLimits
    private let logger: Logger
    private let state: Mutex<State>
    /// Tells the sessions of two processes on one machine apart.
    let sessionPrefix: String

    /// A solver. Nothing is started.
    package init(configuration: Configuration = .init(), limits: ChallengeLimits = .init(), logger: Logger) {
        self.configuration = configuration
        self.limits = limits
        self.logger = logger
        self.state = Mutex(State(queue: ChallengeQueue(limits: limits)))
        self.sessionPrefix =
            "subnet-" + Hexadecimal.encode((0..<8).map { _ in UInt8.random(in: .min ... .max) })
    }

    /// What solves challenges now: `native`, or hashcat's version and its kind of device.
    package var backend: String {
        switch self.state.withLock({ $0.backend }) {
        case .native: "native"
        case .hashcat(let version, let usesGPU): "hashcat \(version) on \(usesGPU ? "GPU" : "CPU")"
        }
    }

    /// How many challenges wait for their turn.
    package var queueLength: Int { self.state.withLock { $0.queue.count } }

    /// Whether a challenge is being solved.
    var isBusy: Bool { self.state.withLock { $0.queue.isBusy } }

    /// Takes hashcat for ready without asking it, for tests with a program that only looks like it.
    func assumeHashcat(usesGPU: Bool) {
        self.state.withLock { $0.backend = .hashcat(version: "v6", usesGPU: usesGPU) }
    }

    /// Finds hashcat, checks its version, and lets it solve a challenge, which builds its kernels.
    ///
    /// The first build takes about a minute on a CPU; hashcat and PoCL keep the result in the user's cache.
    /// Call it once, in a child task beside the server. Cancelling it leaves the native searcher in place.
    package func prepare() async {
        guard self.configuration.searcher != .native else { return }
        let start = ContinuousClock.now
        switch await self.probe(deadline: start + self.limits.warmUpTimeMax) {
        case .success(let backend):
            self.state.withLock { $0.backend = backend }
            self.logger.info(
                "hashcat is ready",
                metadata: [
                    "backend": "\(self.backend)", "seconds": "\((ContinuousClock.now - start) / .seconds(1))",
                ])
        case .failure(let reason):
            guard !Task.isCancelled else { return }
            self.logger.warning(
                "challenges are solved without hashcat", metadata: ["reason": "\(reason.message)"])
        }
    }

    /// Solves one challenge, after those that came before it.
    ///
    /// - Parameters:
    ///   - inputs: as they came; every field is checked first.
    ///   - caller: who asks, for the name of the run.
    ///   - deadline: when the caller stops waiting. ``ChallengeLimits/runTimeMax`` bounds it too.
    /// - Returns: a password, or the reference's text of what went wrong. Never both.
    /// - Throws: `invalid`, `difficultyNotPositive`, `queueFull`, `tooLate`, all before any work; `stopped`
    ///   when cancelled. Cancelling gives the place in the queue back and kills the run.
    package func solve(
        _ inputs: ChallengeInputs, caller: String, deadline: ContinuousClock.Instant
    ) async throws(ChallengeRefusal) -> ChallengeSolution {
        let problem = try SearchProblem(inputs, limits: self.limits)
        let start = ContinuousClock.now
        let end = min(deadline, start + self.limits.runTimeMax)
        let (id, admission) = self.state.withLock { state in
            state.lastID += 1
            return (state.lastID, state.queue.arrived(state.lastID, deadline: end, now: start))
        }
        switch admission {
        case .refuse(let refusal): throw refusal
        case .run: break
        case .wait:
            switch await self.turn(of: id, latest: end - self.limits.runTimeMin) {
            case .run: break
            case .late: throw ChallengeRefusal(.tooLate, "its turn did not come in time")
            case .left: throw ChallengeRefusal(.stopped, "the call was cancelled")
            }
        }
        let texts = ChallengeErrorText(runID: inputs.runID(caller: caller))
        var solution = await self.run(problem, id: id, texts: texts, deadline: end)
        self.finished(id)
        guard !Task.isCancelled else { throw ChallengeRefusal(.stopped, "the call was cancelled") }
        solution.localExecutionTime = (ContinuousClock.now - start) / .seconds(1)
        return solution
    }
}

// MARK: The queue

extension ChallengeSolver {
    private func turn(of id: UInt64, latest: ContinuousClock.Instant) async -> Turn {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await Task.sleep(until: latest, clock: .continuous) } catch { return }
                self.leave(id, as: .late)
            }
            let turn = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let told = self.state.withLock { state in
                        let told = state.told.removeValue(forKey: id)
                        if told == nil { state.waiters[id] = continuation }
                        return told
                    }
                    if let told { continuation.resume(returning: told) }
                }
            } onCancel: {
                self.leave(id, as: .left)
            }
            group.cancelAll()
            return turn
        }
    }

    private func leave(_ id: UInt64, as turn: Turn) {
        let continuation = self.state.withLock { state in
            // Someone whose turn has come already runs, and notices the cancellation there.
            state.queue.left(id) ? Self.tell(id, turn, in: &state) : nil
        }
        continuation?.resume(returning: turn)
    }

    private func finished(_ id: UInt64) {
        let told = self.state.withLock { state in
            let (next, late) = state.queue.finished(id, now: .now)
            var told = late.map { (Self.tell($0, .late, in: &state), Turn.late) }
            if let next { told.append((Self.tell(next, .run, in: &state), .run)) }
            return told
        }
        for (continuation, turn) in told { continuation?.resume(returning: turn) }
    }

    private static func tell(
        _ id: UInt64, _ turn: Turn, in state: inout State
    ) -> CheckedContinuation<Turn, Never>? {
        let continuation = state.waiters.removeValue(forKey: id)
        if continuation == nil { state.told[id] = turn }
        return continuation
    }
}

// MARK: Searching

extension ChallengeSolver {
    private struct Unusable: Error { var message: String }

    private func run(
        _ problem: SearchProblem, id: UInt64, texts: ChallengeErrorText, deadline: ContinuousClock.Instant
    ) async -> ChallengeSolution {
        switch self.state.withLock({ $0.backend }) {
        case .native:
            let searcher = NativeSearcher(threads: self.configuration.threads)
            switch await searcher.search(problem, deadline: deadline) {
            case .found(let password): return Self.solution(password: password)
            // As hashcat says it: code 1 and nothing on standard error.
            case .exhausted: return Self.solution(error: texts.ended(code: 1, standardError: ""))
            case .timedOut: return Self.solution(error: texts.timedOut)
            case .cancelled: return Self.solution(error: texts.failed("cancelled"))
            }
        case .hashcat(_, let usesGPU):
            let seconds = (deadline - .now) / .seconds(1)
            let command = HashcatCommand(
                self.configuration, problem: problem, usesGPU: usesGPU,
                session: "\(self.sessionPrefix)-\(id)",
                runtime: Int(seconds.rounded(.up)) + 1)
            return await self.run(command, solving: problem, texts: texts, deadline: deadline)
        }
    }

    private func run(
        _ command: HashcatCommand, solving problem: SearchProblem, texts: ChallengeErrorText,
        deadline: ContinuousClock.Instant
    ) async -> ChallengeSolution {
        let child = ChildProcess(outputBytesMax: self.limits.outputBytesMax)
        switch await child.run(command, deadline: deadline) {
        case .ended(0, let output, _):
            guard !output.isEmpty else { return Self.solution(error: texts.nothingSaid) }
            return Self.solution(password: HashcatOutput.password(in: output, solving: problem))
        case .ended(let code, _, let error):
            let complaint = HashcatOutput.complaint(error, charactersMax: self.limits.errorCharactersMax)
            return Self.solution(error: texts.ended(code: code, standardError: complaint))
        case .timedOut: return Self.solution(error: texts.timedOut)
        case .cancelled: return Self.solution(error: texts.failed("cancelled"))
        case .failed(let reason): return Self.solution(error: texts.failed(reason))
        }
    }

    private static func solution(password: String? = nil, error: String? = nil) -> ChallengeSolution {
        ChallengeSolution(password: password, error: error, localExecutionTime: 0)
    }

    /// The version, the devices, and a challenge whose answer we know.
    private func probe(deadline: ContinuousClock.Instant) async -> Result<Backend, Unusable> {
        let path = self.configuration.hashcatPath
        let child = ChildProcess(outputBytesMax: self.limits.outputBytesMax)
        let answer = await child.run(HashcatCommand(path: path, arguments: ["--version"]), deadline: deadline)
        guard case .ended(0, let text, _) = answer, let version = HashcatOutput.version(text) else {
            return .failure(Unusable(message: "\(path) --version: \(answer.summary)"))
        }
        let name = "v" + version.map(String.init).joined(separator: ".")
        guard version.lexicographicallyPrecedes([6]) == false else {
            return .failure(Unusable(message: "hashcat \(name) is older than v6"))
        }
        var usesGPU = self.configuration.device == .gpu
        if self.configuration.device == .automatic {
            let list = await child.run(HashcatCommand(path: path, arguments: ["-I"]), deadline: deadline)
            if case .ended(_, let output, _) = list { usesGPU = HashcatOutput.listsGPU(output) }
        }
        var generator = SystemRandomNumberGenerator()
        let known = ChallengeGenerator.issue(difficulty: 3, using: &generator)
        guard let problem = try? SearchProblem(known.inputs) else {
            return .failure(Unusable(message: "no challenge to try it with"))
        }
        let command = HashcatCommand(
            self.configuration, problem: problem, usesGPU: usesGPU, session: "\(self.sessionPrefix)-0",
            runtime: Int((deadline - .now) / .seconds(1)) + 1)
        let texts = ChallengeErrorText(runID: "warm-up")
        let solution = await self.run(command, solving: problem, texts: texts, deadline: deadline)
        guard solution.password == known.password else {
            return .failure(Unusable(message: solution.error ?? "hashcat did not solve a known challenge"))
        }
        return .success(.hashcat(version: name, usesGPU: usesGPU))
    }
}

extension ChildProcess.Outcome {
    /// For logs.
    var summary: String {
        switch self {
        case .ended(let code, _, let error):
            "code \(code) \(HashcatOutput.complaint(error, charactersMax: 200))"
        case .timedOut: "timed out"
        case .cancelled: "cancelled"
        case .failed(let reason): reason
        }
    }
}
