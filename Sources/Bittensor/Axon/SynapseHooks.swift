public import BittensorCore

/// What a blacklist hook decides.
public enum BlacklistDecision: Sendable, Hashable {
    /// The caller may go on.
    case allowed
    /// The caller is told 403 with this reason.
    case refused(String)
}

/// Decisions around the handler of one synapse; all of them optional, all with the deadline
/// ``Axon/Limits/hookDeadline``, cancelled when it passes.
///
/// ``blacklist``, ``verify`` and ``priority`` see what the headers say, before the body is read. In strict
/// mode the sender is proven by then. In compatible mode ``blacklist`` runs before the signature is checked,
/// as in Python: do not believe the sender there.
public struct SynapseHooks<S: Synapse>: Sendable {
    /// Refuses callers. An error of its own is answered 500.
    public var blacklist: (@Sendable (SynapseHead) async throws -> BlacklistDecision)?
    /// Strict: checks more than the signature. Compatible: replaces the check of the signature, as in Python.
    /// What it throws is answered 401 with its text.
    public var verify: (@Sendable (SynapseHead) async throws -> Void)?
    /// Says who goes first when handlers are busy: the larger number. Without it the number is 0. An error of
    /// its own is answered 500, its deadline 408.
    public var priority: (@Sendable (SynapseHead) async throws -> Double)?
    /// Changes what the handler gave, before it is written.
    public var postprocess: (@Sendable (S, SynapseCall) async throws -> S)?
    /// Instead of ``Axon/Limits/callDeadlineMax`` for this synapse.
    public var callDeadlineMax: Duration?
    /// Whether handler and hooks run on the event loop of their connection, which saves a change of threads
    /// in each direction. Only for code that neither blocks nor computes for long: it would hold up every
    /// connection of the loop. Requests with bodies over 64 KiB, or of no declared length, run elsewhere
    /// whatever is said here.
    public var runsOnEventLoop = false

    /// No hooks.
    public init() {}
}
