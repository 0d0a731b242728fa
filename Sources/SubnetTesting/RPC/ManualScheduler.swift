public import NIOCore
public import SubnetRPC
internal import Synchronization

/// A clock and alarm that only a test moves.
public final class ManualScheduler: RPCScheduler {
    private let state: Mutex<State>

    private struct State {
        var now: NIODeadline
        var nextID: UInt64 = 0
        var actions: [(id: UInt64, deadline: NIODeadline, action: @Sendable () -> Void)] = []
    }

    /// A clock that stands at a time.
    public init(now: NIODeadline = .uptimeNanoseconds(1_000_000_000_000)) {
        self.state = Mutex(State(now: now))
    }

    public func now() -> NIODeadline { self.state.withLock { $0.now } }

    public func schedule(at deadline: NIODeadline, _ action: @escaping @Sendable () -> Void) -> RPCTimer {
        self.state.withLock { state in
            state.nextID += 1
            state.actions.append((state.nextID, deadline, action))
            return RPCTimer(id: state.nextID)
        }
    }

    public func cancel(_ timer: RPCTimer) {
        self.state.withLock { state in state.actions.removeAll { $0.id == timer.id } }
    }

    /// How many actions wait.
    public var count: Int { self.state.withLock { $0.actions.count } }

    /// When the next action is due.
    public var nextDeadline: NIODeadline? { self.state.withLock { $0.actions.map(\.deadline).min() } }

    /// Moves the clock, running every action on the way at its own time.
    public func advance(by amount: Duration) {
        let end = self.now() + TimeAmount(amount)
        while let action = self.takeNext(until: end) { action() }
        self.state.withLock { $0.now = max($0.now, end) }
    }

    private func takeNext(until end: NIODeadline) -> (@Sendable () -> Void)? {
        self.state.withLock { state in
            let due = state.actions.indices.filter { state.actions[$0].deadline <= end }
            // Of two actions at one time the one that was scheduled first runs first.
            guard let index = due.min(by: { state.actions[$0].deadline < state.actions[$1].deadline }) else {
                return nil
            }
            let (_, deadline, action) = state.actions.remove(at: index)
            state.now = max(state.now, deadline)
            return action
        }
    }
}
