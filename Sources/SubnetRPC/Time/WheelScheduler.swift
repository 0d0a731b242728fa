package import NIOCore
internal import Synchronization

/// An ``RPCScheduler`` with a ``DeadlineWheel`` in it: many calls, one timer of whatever stands below.
///
/// The owner (an event loop, usually one scheduler per loop) gives it a clock and a way to be woken; it calls
/// ``wake()`` then. A timer below is armed only when a deadline comes earlier than the one it is armed for,
/// and is never cancelled: waking for nothing costs less.
package final class WheelScheduler: RPCScheduler {
    private let clock: @Sendable () -> NIODeadline
    private let arm: @Sendable (NIODeadline) -> Void
    private let state: Mutex<State>

    fileprivate struct State {
        var wheel: DeadlineWheel<@Sendable () -> Void>
        var armedFor: NIODeadline?
    }

    /// A scheduler over one timer.
    ///
    /// - Parameters:
    ///   - clock: the time now.
    ///   - arm: asks for a call of ``wake()`` at a time; asking again with an earlier time adds a second
    ///     call.
    package init(
        tick: TimeAmount = .milliseconds(8), slots: Int = 4096, clock: @escaping @Sendable () -> NIODeadline,
        arm: @escaping @Sendable (NIODeadline) -> Void
    ) {
        self.clock = clock
        self.arm = arm
        self.state = Mutex(State(wheel: DeadlineWheel(tick: tick, slots: slots, now: clock())))
    }

    package func now() -> NIODeadline { self.clock() }

    package func schedule(at deadline: NIODeadline, _ action: @escaping @Sendable () -> Void) -> RPCTimer {
        let (token, wakeAt) = self.state.withLock { state in
            let token = state.wheel.add(action, at: deadline)
            return (token, state.earlierAlarm(deadline))
        }
        if let wakeAt { self.arm(wakeAt) }
        return RPCTimer(id: token.number)
    }

    package func cancel(_ timer: RPCTimer) {
        // The action is dropped outside of the lock: what it holds may run code when it goes.
        let action = self.state.withLock { $0.wheel.remove(.init(number: timer.id)) }
        withExtendedLifetime(action) {}
    }

    /// The timer below has fired: runs what is due and arms it again while deadlines wait.
    package func wake() {
        let now = self.clock()
        let (due, wakeAt) = self.state.withLock { state in
            let due = state.wheel.advance(to: now)
            state.armedFor = nil
            return (due, state.wheel.nextDeadline.flatMap { state.earlierAlarm($0) })
        }
        for action in due { action() }
        if let wakeAt { self.arm(wakeAt) }
    }

    /// How many deadlines wait.
    package var count: Int { self.state.withLock { $0.wheel.count } }
}

extension WheelScheduler.State {
    /// Notes an alarm, and gives it back when it is earlier than the one that is armed.
    fileprivate mutating func earlierAlarm(_ deadline: NIODeadline) -> NIODeadline? {
        if let armedFor = self.armedFor, armedFor <= deadline { return nil }
        self.armedFor = deadline
        return deadline
    }
}
