import NIOCore
import Subnet
import SubnetRPC
import SubnetServices
import SubnetTesting
import SwiftProtobuf
import Synchronization
import Testing

import struct Foundation.Data

/// Serves the tokens of a fixed answer, and misbehaves in one way.
private struct ScriptedGenerator: TextGenerator {
    enum Fault: Sendable {
        case none
        /// Fails after so many tokens of the answer.
        case diesAfter(Int)
        /// Leaves out this token.
        case skips(Int)
        /// Sends this token twice.
        case repeats(Int)
        /// Ends without a last token.
        case endsEarly(Int)
        /// Waits forever behind this token.
        case stallsAfter(Int)
    }
    static let answer = ["Once ", "there ", "was ", "a ", "cr", "ab."]

    var fault = Fault.none
    var fingerprint = "model-1"
    var cancelled: @Sendable () -> Void = {}

    func info() async throws -> InferenceInfoResponse { .with { $0.fingerprint = fingerprint } }

    func generate(
        _ request: InferenceGenerateRequest, deadline: Duration,
        emit: @Sendable (InferenceGenerateResponse) async throws -> Void
    ) async throws {
        for index in request.generatedTokens.count..<Self.answer.count {
            switch fault {
            case .diesAfter(index): throw RPCError(.unavailable, "the model's process is gone")
            case .endsEarly(index): return
            case .skips(index): continue
            case .repeats(index): try await emit(Self.token(index))
            case .stallsAfter(index):
                let (forever, _) = AsyncStream.makeStream(of: Void.self)
                for await _ in forever {}
                cancelled()
                throw CancellationError()
            default: break
            }
            try await emit(Self.token(index))
        }
    }

    private static func token(_ index: Int) -> InferenceGenerateResponse {
        .with {
            $0.index = UInt32(index)
            $0.token = UInt32(100 + index)
            $0.text = Data(answer[index].utf8)
            $0.finishReason = index == answer.count - 1 ? "stop" : ""
        }
    }
}

/// Turns its callers away a number of times before it serves.
private final class BusyGenerator: TextGenerator {
    private let retryAfter: Duration
    private let refusalsLeft: Mutex<Int>

    init(refusals: Int, retryAfter: Duration) {
        self.retryAfter = retryAfter
        self.refusalsLeft = Mutex(refusals)
    }

    func info() async throws -> InferenceInfoResponse { try await ScriptedGenerator().info() }

    func generate(
        _ request: InferenceGenerateRequest, deadline: Duration,
        emit: @Sendable (InferenceGenerateResponse) async throws -> Void
    ) async throws {
        let isBusy = refusalsLeft.withLock { left in
            left -= 1
            return left >= 0
        }
        if isBusy {
            throw RPCError(
                code: .resourceExhausted, message: "the model is busy", retryAfter: retryAfter)
        }
        try await ScriptedGenerator().generate(request, deadline: deadline, emit: emit)
    }
}

/// Takes its time to say what it is, and notes how much time it gets for the answer.
private final class SlowGenerator: TextGenerator {
    private let infoTime: Duration
    private let clock: ManualScheduler
    private let answer: ScriptedGenerator
    private let given = Mutex<[Duration]>([])

    init(infoTime: Duration, clock: ManualScheduler, answer: ScriptedGenerator = ScriptedGenerator()) {
        self.infoTime = infoTime
        self.clock = clock
        self.answer = answer
    }

    var deadlines: [Duration] { given.withLock { $0 } }

    func info() async throws -> InferenceInfoResponse {
        clock.advance(by: infoTime)
        return try await answer.info()
    }

    func generate(
        _ request: InferenceGenerateRequest, deadline: Duration,
        emit: @Sendable (InferenceGenerateResponse) async throws -> Void
    ) async throws {
        given.withLock { $0.append(deadline) }
        try await answer.generate(request, deadline: deadline, emit: emit)
    }
}

/// A clock that jumps to the end of each pause, or says that one has begun. Pauses are told from the
/// deadlines of calls by their length.
private final class PauseScheduler: RPCScheduler {
    private struct State {
        var pauses: [TimeAmount] = []
        var waiting: Set<RPCTimer> = []
    }
    private let clock = ManualScheduler()
    private let lengths: Set<TimeAmount>
    private let began: (@Sendable () -> Void)?
    private let state = Mutex(State())

    init(_ lengths: TimeAmount..., began: (@Sendable () -> Void)? = nil) {
        self.lengths = Set(lengths)
        self.began = began
    }

    /// How long each pause was to be.
    var pauses: [TimeAmount] { state.withLock { $0.pauses } }
    /// Whether a pause has begun whose timer nobody has cancelled.
    var isWaiting: Bool { state.withLock { !$0.waiting.isEmpty } }

    func now() -> NIODeadline { clock.now() }

    func schedule(at deadline: NIODeadline, _ action: @escaping @Sendable () -> Void) -> RPCTimer {
        let length = deadline - clock.now()
        let timer = clock.schedule(at: deadline, action)
        guard lengths.contains(length) else { return timer }
        state.withLock { state in
            state.pauses.append(length)
            state.waiting.insert(timer)
        }
        if let began { began() } else { clock.advance(by: .nanoseconds(length.nanoseconds)) }
        return timer
    }

    func cancel(_ timer: RPCTimer) {
        clock.cancel(timer)
        state.withLock { state in _ = state.waiting.remove(timer) }
    }
}

@Suite("An inference session", .timeLimit(.minutes(1)))
struct InferenceSessionTests {
    private let network = InProcessNetwork()
    private let scheduler = ManualScheduler()
    private let request = InferenceGenerateRequest.with {
        $0.prompt = "Tell"
        $0.maxNewTokens = 6
    }

    /// A client that calls hosters which serve by these generators, in this order.
    private func session(
        _ generators: any TextGenerator..., on other: (any RPCScheduler)? = nil
    ) throws -> InferenceSession {
        let scheduler: any RPCScheduler = other ?? self.scheduler
        let client = Client(wire: network.wire(as: .local("caller")), scheduler: scheduler)
        var peers: [RPCPeer] = []
        for (index, generator) in generators.enumerated() {
            let router = Router(scheduler: scheduler, client: client)
            try router.registerInference(generator)
            peers.append(.local("hoster \(index)"))
            network.attach(router, as: .local("hoster \(index)"))
        }
        return InferenceSession(client: client) { [peers] in peers }
    }

    /// What a session did: the tokens it gave out, and how it ended.
    private func run(_ session: InferenceSession) async -> (
        tokens: [InferenceSession.Token], result: Result<InferenceSession.Summary, any Error>
    ) {
        let tokens = Mutex<[InferenceSession.Token]>([])
        do {
            let summary = try await session.generate(request) { token in
                tokens.withLock { $0.append(token) }
            }
            return (tokens.withLock { $0 }, .success(summary))
        } catch {
            return (tokens.withLock { $0 }, .failure(error))
        }
    }

    private func text(_ tokens: [InferenceSession.Token]) -> String {
        String(decoding: tokens.flatMap(\.bytes), as: UTF8.self)
    }

    private func failure(_ result: Result<InferenceSession.Summary, any Error>) -> RPCError? {
        guard case .failure(let error) = result else { return nil }
        return error as? RPCError
    }

    @Test func `gives tokens in order and says what the answer took`() async throws {
        let (tokens, result) = await run(try session(ScriptedGenerator()))
        let summary = try result.get()
        #expect(text(tokens) == "Once there was a crab.")
        #expect(tokens.map(\.index) == Array(0..<6))
        #expect(tokens.map(\.token) == (100..<106).map { $0 })
        #expect(summary.tokens == 6 && summary.textBytes == 22)
        #expect(summary.finishReason == "stop")
        #expect(summary.peers == [.local("hoster 0")])
        #expect(summary.firstTokenTime != nil)
    }

    @Test(arguments: 0..<6)
    func `goes on at another hoster when one fails, wherever in the answer`(point: Int) async throws {
        let (tokens, result) = await run(
            try session(ScriptedGenerator(fault: .diesAfter(point)), ScriptedGenerator()))
        #expect(text(tokens) == "Once there was a crab.")
        #expect(tokens.map(\.index) == Array(0..<6))
        let served: [RPCPeer] = point == 0 ? [.local("hoster 1")] : [.local("hoster 0"), .local("hoster 1")]
        #expect(try result.get().peers == served)
    }

    @Test func `goes on at another hoster when one ends without a last token`() async throws {
        let (tokens, result) = await run(
            try session(ScriptedGenerator(fault: .endsEarly(3)), ScriptedGenerator()))
        #expect(text(tokens) == "Once there was a crab.")
        #expect(try result.get().tokens == 6)
    }

    @Test func `gives out neither a gap nor a repetition`() async throws {
        for fault in [ScriptedGenerator.Fault.skips(2), .repeats(2)] {
            var alone = try session(ScriptedGenerator(fault: fault))
            alone.failoversMax = 0
            let (tokens, result) = await run(alone)
            #expect(failure(result)?.code == .dataLoss)
            #expect(failure(result)?.message.contains("out of order") == true)
            #expect(tokens.map(\.index) == Array(0..<tokens.count))

            let (joined, _) = await run(try session(ScriptedGenerator(fault: fault), ScriptedGenerator()))
            #expect(text(joined) == "Once there was a crab.")
        }
    }

    @Test func `refuses to go on with another model`() async throws {
        var two = try session(
            ScriptedGenerator(fault: .diesAfter(2)), ScriptedGenerator(fingerprint: "model-2"))
        two.failoversMax = 1
        let (tokens, result) = await run(two)
        #expect(text(tokens) == "Once there ")
        #expect(failure(result)?.code == .failedPrecondition)
        #expect(failure(result)?.message.contains("serves another model") == true)
    }

    @Test func `ends with the last reason when no hoster is left`() async throws {
        var one = try session(ScriptedGenerator(fault: .diesAfter(2)))
        one.failoversMax = 2
        let (tokens, result) = await run(one)
        #expect(failure(result)?.code == .unavailable)
        // The same hoster was asked again and never sent a token twice.
        #expect(tokens.map(\.index) == [0, 1])
    }

    @Test(arguments: [
        (TimeAmount.milliseconds(750), TimeAmount.milliseconds(750)), (.zero, .milliseconds(100)),
    ])
    func `waits as long as the only hoster says that it is busy`(said: TimeAmount, pause: TimeAmount)
        async throws
    {
        let clock = PauseScheduler(pause)
        // More often than there are failovers.
        let hoster = BusyGenerator(refusals: 12, retryAfter: .nanoseconds(said.nanoseconds))
        var one = try session(hoster, on: clock)
        one.failoversMax = 2
        let (tokens, result) = await run(one)
        #expect(text(tokens) == "Once there was a crab.")
        #expect(try result.get().peers == [.local("hoster 0")])
        #expect(clock.pauses == Array(repeating: pause, count: 12))
    }

    @Test func `waits for no busy hoster while there is another one`() async throws {
        let clock = PauseScheduler(.seconds(2))
        let (tokens, result) = await run(
            try session(
                BusyGenerator(refusals: 1, retryAfter: .seconds(2)), ScriptedGenerator(), on: clock))
        #expect(text(tokens) == "Once there was a crab.")
        #expect(try result.get().peers == [.local("hoster 1")])
        #expect(clock.pauses == [])
    }

    @Test func `of busy hosters it waits for the one that is free first`() async throws {
        let clock = PauseScheduler(.seconds(30), .seconds(2))
        let (tokens, result) = await run(
            try session(
                BusyGenerator(refusals: 1, retryAfter: .seconds(30)),
                BusyGenerator(refusals: 1, retryAfter: .seconds(2)),
                ScriptedGenerator(fault: .diesAfter(0)), on: clock))
        #expect(text(tokens) == "Once there was a crab.")
        #expect(try result.get().peers == [.local("hoster 1")])
        #expect(clock.pauses == [.seconds(2)])
    }

    @Test func `waits no longer than the answer may take`() async throws {
        let clock = PauseScheduler(.seconds(40))
        var one = try session(
            BusyGenerator(refusals: .max, retryAfter: .seconds(40)), on: clock)
        one.answerDeadline = .seconds(300)
        let (tokens, result) = await run(one)
        #expect(tokens == [])
        #expect(failure(result)?.code == .resourceExhausted)
        // An eighth one would end 20 seconds after the answer's deadline.
        #expect(clock.pauses == Array(repeating: .seconds(40), count: 7))
    }

    @Test func `cancelling it ends the wait for a busy hoster`() async throws {
        let (pauses, pause) = AsyncStream.makeStream(of: Void.self)
        let clock = PauseScheduler(.seconds(30), began: { pause.finish() })
        let one = try session(BusyGenerator(refusals: 1, retryAfter: .seconds(30)), on: clock)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [request] in _ = try await one.generate(request) { _ in } }
            for await _ in pauses {}
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        #expect(clock.pauses == [.seconds(30)] && !clock.isWaiting)
    }

    @Test(arguments: [
        (Duration.seconds(120), Duration.seconds(60), Duration.seconds(20)),
        (.seconds(50), .seconds(60), .seconds(10)),
    ])
    func `one end of time holds for all that a hoster is asked`(
        deadline: Duration, answerDeadline: Duration, left: Duration
    ) async throws {
        let slow = SlowGenerator(infoTime: .seconds(40), clock: scheduler)
        var one = try session(slow)
        one.deadline = deadline
        one.answerDeadline = answerDeadline
        let (tokens, _) = await run(one)
        #expect(text(tokens) == "Once there was a crab.")
        #expect(slow.deadlines == [left])
    }

    @Test func `the next hoster gets what the first has left of the time`() async throws {
        let first = SlowGenerator(
            infoTime: .seconds(40), clock: scheduler, answer: ScriptedGenerator(fault: .diesAfter(2)))
        let second = SlowGenerator(infoTime: .seconds(20), clock: scheduler)
        var two = try session(first, second)
        two.deadline = .seconds(60)
        two.answerDeadline = .seconds(90)
        let (tokens, result) = await run(two)
        #expect(text(tokens) == "Once there was a crab.")
        #expect(try result.get().peers == [.local("hoster 0"), .local("hoster 1")])
        #expect(first.deadlines == [.seconds(20)] && second.deadlines == [.seconds(30)])
    }

    @Test func `without a hoster it says so`() async throws {
        let (_, result) = await run(try session())
        #expect(failure(result)?.code == .unavailable)
        #expect(failure(result)?.message == "no hoster is known")
    }

    @Test func `does not try a request that is wrong anywhere else`() async throws {
        let session = try session(ScriptedGenerator(), ScriptedGenerator())
        var wrong = request
        wrong.maxNewTokens = 0
        let refusal = await #expect(throws: RPCError.self) {
            _ = try await session.generate(wrong) { _ in }
        }
        #expect(refusal?.code == .invalidArgument)
        #expect(refusal?.message.contains("max_new_tokens") == true)
    }

    @Test func `cancelling it cancels the call at the hoster`() async throws {
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        let session = try session(
            ScriptedGenerator(fault: .stallsAfter(1), cancelled: { continuation.finish() }))
        let (started, first) = AsyncStream.makeStream(of: Void.self)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [request] in
                _ = try await session.generate(request) { _ in first.finish() }
            }
            for await _ in started {}
            group.cancelAll()
            await #expect(throws: (any Error).self) { try await group.waitForAll() }
        }
        for await _ in ended {}
    }

    @Test func `stops when its reader throws`() async throws {
        struct Enough: Error {}
        let session = try session(ScriptedGenerator(), ScriptedGenerator())
        await #expect(throws: Enough.self) {
            _ = try await session.generate(request) { token in if token.index == 2 { throw Enough() } }
        }
    }

    @Test(arguments: [RPCError.Code.unavailable, .resourceExhausted])
    func `an error of its reader is no failure of the hoster`(code: RPCError.Code) async throws {
        let first = SlowGenerator(infoTime: .seconds(1), clock: scheduler)
        let second = SlowGenerator(infoTime: .seconds(1), clock: scheduler)
        let session = try session(first, second)
        let error = RPCError(code: code, message: "the reader is gone", retryAfter: .seconds(1))
        let thrown = await #expect(throws: RPCError.self) {
            _ = try await session.generate(request) { token in if token.index == 2 { throw error } }
        }
        #expect(thrown == error)
        #expect(first.deadlines.count == 1 && second.deadlines == [])
    }
}
