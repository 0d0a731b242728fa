package import NIOCore
internal import Synchronization

/// An ``RPCScheduler`` with a ``DeadlineWheel`` in it: many calls, one timer of whatever stands below.
///
/// The owner (an event loop, usually one scheduler per loop) gives it a clock and a way to be woken; it calls
/// ``wake()`` then. One timer below is armed at a time: another one takes its place when a deadline comes
/// earlier. It is not cancelled when the deadline that it was armed for goes: waking for nothing costs less.
package final class WheelScheduler: RPCScheduler {
    private let clock: @Sendable () -> NIODeadline
    private let arm: @Sendable (NIODeadline) -> @Sendable () -> Void
    private let state: Mutex<State>

    fileprivate struct State {
        var wheel: DeadlineWheel<@Sendable () -> Void>
        var alarm: Alarm?
        var alarmsSet: UInt64 = 0
    }

    /// The timer below that is armed, or is about to be.
    fileprivate struct Alarm {
        let number: UInt64
        let deadline: NIODeadline
        var cancel: (@Sendable () -> Void)?
    }

    /// An alarm to set outside of the lock.
    fileprivate struct Order {
        let number: UInt64
        let deadline: NIODeadline
        let cancelReplaced: (@Sendable () -> Void)?
    }

    /// A scheduler over one timer.
    ///
    /// - Parameters:
    ///   - clock: the time now.
    ///   - arm: asks for a call of ``wake()`` at a time, and returns what takes that back.
    package init(
        tick: TimeAmount = .milliseconds(8), slots: Int = 4096, clock: @escaping @Sendable () -> NIODeadline,
        arm: @escaping @Sendable (NIODeadline) -> @Sendable () -> Void
    ) {
        self.clock = clock
        self.arm = arm
        self.state = Mutex(State(wheel: DeadlineWheel(tick: tick, slots: slots, now: clock())))
    }

    package func now() -> NIODeadline { self.clock() }

    package func schedule(at deadline: NIODeadline, _ action: @escaping @Sendable () -> Void) -> RPCTimer {
        let (token, order) = self.state.withLock { state in
            let token = state.wheel.add(action, at: deadline)
            return (token, state.earlierAlarm(deadline))
        }
        if let order { self.set(order) }
        return RPCTimer(id: token.number)
    }

    private func set(_ order: Order) {
        order.cancelReplaced?()
        let cancel = self.arm(order.deadline)
        // Another thread may have set an earlier one meanwhile, or it may have rung.
        let isWanted = self.state.withLock { state in
            guard state.alarm?.number == order.number else { return false }
            state.alarm?.cancel = cancel
            return true
        }
        if !isWanted { cancel() }
    }

    package func cancel(_ timer: RPCTimer) {
        // The action is dropped outside of the lock: what it holds may run code when it goes.
        let action = self.state.withLock { $0.wheel.remove(.init(number: timer.id)) }
        withExtendedLifetime(action) {}
    }

    /// The timer below has fired: runs what is due and arms it again while deadlines wait.
    package func wake() {
        let now = self.clock()
        let (due, order) = self.state.withLock { state in
            let due = state.wheel.advance(to: now)
            // One that was replaced may ring all the same.
            if let alarm = state.alarm, alarm.deadline <= now { state.alarm = nil }
            return (due, state.wheel.nextDeadline.flatMap { state.earlierAlarm($0) })
        }
        for action in due { action() }
        if let order { self.set(order) }
    }

    /// How many deadlines wait.
    package var count: Int { self.state.withLock { $0.wheel.count } }
}

extension WheelScheduler.State {
    /// Notes an alarm when it is earlier than the one that is armed, and says what to do for it.
    fileprivate mutating func earlierAlarm(_ deadline: NIODeadline) -> WheelScheduler.Order? {
        if let alarm = self.alarm, alarm.deadline <= deadline { return nil }
        self.alarmsSet += 1
        defer { self.alarm = .init(number: self.alarmsSet, deadline: deadline) }
        return .init(number: self.alarmsSet, deadline: deadline, cancelReplaced: self.alarm?.cancel)
    }
}
