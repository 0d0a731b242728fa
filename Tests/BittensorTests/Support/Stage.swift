import AccountKeys
import Bittensor
import BittensorCore
import Logging
import NIOCore
import SubnetRPC
import Synchronization

/// Wall time that only a test moves.
final class TestClock: Sendable {
    private let time: Mutex<Int64>

    /// - Parameter now: nanoseconds since 1970.
    init(now: Int64 = 1_800_000_000_000_000_000) {
        self.time = Mutex(now)
    }

    var now: Int64 { self.time.withLock { $0 } }
    /// Each reading is a nanosecond later, so that nonces made from it differ.
    var axonClock: AxonClock {
        AxonClock {
            UnixTime(
                nanoseconds: self.time.withLock { time in
                    time += 1
                    return time
                })
        }
    }

    func advance(by duration: Duration) {
        self.time.withLock { $0 += Int64(duration / .nanoseconds(1)) }
    }
}

/// An axon that listens on loopback, a caller's key, and the clock of both.
struct Stage: Sendable {
    let axon: Axon
    let port: Int
    let axonKey: Keypair
    let callerKey: Keypair
    let clock: TestClock

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// The address of the axon, as a chain would give it.
    var address: AxonInfo {
        AxonInfo(
            version: 10_005_000, ip: "127.0.0.1", port: self.port, ipType: 4,
            hotkey: self.axonKey.ss58Address,
            coldkey: "")
    }

    /// Runs an axon while `body` runs.
    ///
    /// - Parameter attach: attaches the synapses; the axon has ``Echo`` already.
    @discardableResult
    static func with<Value: Sendable>(
        _ configuration: Axon.Configuration = .init(), clock: TestClock = TestClock(), router: Router? = nil,
        attach: (Axon) throws -> Void = { _ in },
        _ body: @escaping @Sendable (Stage) async throws -> Value
    ) async throws -> Value {
        var configuration = configuration
        configuration.port = 0
        let (axonKey, callerKey) = (try Keypair(uri: "//Axon"), try Keypair(uri: "//Caller"))
        let axon = try Axon(
            hotkey: axonKey, configuration: configuration, router: router, logger: Self.logger,
            clock: clock.axonClock)
        try axon.attach(Echo.self) { echo, _ in
            var echo = echo
            echo.reply = echo.count == 1 ? echo.message : "\(echo.message)x\(echo.count)"
            return echo
        }
        try attach(axon)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await axon.run() }
            defer { group.cancelAll() }
            let endpoint = try await axon.listening
            return try await body(
                Stage(axon: axon, port: endpoint.port, axonKey: axonKey, callerKey: callerKey, clock: clock))
        }
    }

    /// Runs `body` with a client of the caller.
    func withDendrite<Value>(
        _ configuration: Dendrite.Configuration = .init(), _ body: (Dendrite) async throws -> Value
    ) async throws -> Value {
        let dendrite = Dendrite(
            hotkey: self.callerKey, configuration: configuration, logger: Self.logger,
            clock: self.clock.axonClock)
        do {
            let value = try await body(dendrite)
            try await dendrite.shutdown()
            return value
        } catch {
            try? await dendrite.shutdown()
            throw error
        }
    }

    /// A signed echo of the caller, `age` old.
    func request(
        age: Duration = .zero, timeout: String = "12.0", version: String? = "10005000", name: String = "Echo"
    ) throws -> SignedRequest {
        self.clock.advance(by: .nanoseconds(1))
        return try SignedRequest(
            from: self.callerKey, to: self.axonKey.ss58Address,
            nonce: self.clock.now - Int64(age / .nanoseconds(1)), timeout: timeout, version: version,
            name: name,
            inputs: name == "Echo" ? ["message"] : [])
    }

    /// The reply to some bytes on a connection of their own.
    func send(_ request: SignedRequest) async throws -> RawReply {
        try await RawHTTP.send(request.text, port: self.port)
    }
}

/// A gate that handlers of tests wait at.
final class Gate: Sendable {
    fileprivate struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var arrived = 0
        var watchers: [(Int, CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())

    /// Waits until the gate is open.
    func pass() async {
        await withCheckedContinuation { continuation in
            let (isOpen, watchers) = self.state.withLock { state in
                state.arrived += 1
                if !state.isOpen { state.waiting.append(continuation) }
                return (state.isOpen, state.takeWatchers())
            }
            for watcher in watchers { watcher.resume() }
            if isOpen { continuation.resume() }
        }
    }

    /// Comes to the gate and goes on.
    func note() async { self.noteNow() }

    /// The same where nothing can be awaited.
    func noteNow() {
        let watchers = self.state.withLock { state in
            state.arrived += 1
            return state.takeWatchers()
        }
        for watcher in watchers { watcher.resume() }
    }

    /// Waits until so many have come to the gate.
    func arrivals(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let watchers = self.state.withLock { state in
                state.watchers.append((count, continuation))
                return state.takeWatchers()
            }
            for watcher in watchers { watcher.resume() }
        }
    }

    /// Lets everybody pass, now and later.
    func open() {
        let waiting = self.state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
    }
}

extension Gate.State {
    fileprivate mutating func takeWatchers() -> [CheckedContinuation<Void, Never>] {
        let arrived = self.arrived
        let ready = self.watchers.filter { $0.0 <= arrived }.map(\.1)
        self.watchers.removeAll { $0.0 <= arrived }
        return ready
    }
}
