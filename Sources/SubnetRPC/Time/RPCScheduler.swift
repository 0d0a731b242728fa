public import NIOCore

/// The clock and the alarm of the RPC layer. Nothing in this module knows any other time.
///
/// A production scheduler stands on the timer of an event loop (through `WheelScheduler`, so that a call
/// costs no timer of its own); tests and the simulator bring one that they step by hand.
public protocol RPCScheduler: AnyObject, Sendable {
    /// The time now.
    func now() -> NIODeadline
    /// Runs `action` once at `deadline` or a little later, never earlier, unless it is cancelled first.
    ///
    /// `action` is short and does not block. It may run on any thread, and at once when the deadline has
    /// passed.
    func schedule(at deadline: NIODeadline, _ action: @escaping @Sendable () -> Void) -> RPCTimer
    /// Forgets an action that has not run. Cancelling twice, or after it ran, does nothing.
    func cancel(_ timer: RPCTimer)
}

/// Names an action that an ``RPCScheduler`` holds.
public struct RPCTimer: Sendable, Hashable {
    /// A number that the scheduler chose; never used again by the same scheduler.
    public let id: UInt64

    /// A timer with a scheduler's number.
    public init(id: UInt64) {
        self.id = id
    }
}
