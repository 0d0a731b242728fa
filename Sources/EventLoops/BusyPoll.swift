package import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Keeps an event loop awake for a moment after it has answered, when the next bytes are likely at once.
///
/// A loop that sleeps is woken by the kernel, which on an idle core takes longer than a small call. So, after
/// a read batch that has sent something, the loop looks at its sockets until one of them has bytes, for at
/// most ``span``. Each look offers the core to other threads first; where one takes it, sleeping would have
/// been right, and the look ends. ``BusyPollPolicy`` leaves off where looking does not pay, so an idle host
/// and one with distant peers sleep as before.
///
/// See `docs/decisions/0011-busy-poll.md`.
///
/// - Important: `@unchecked Sendable` because everything in it is touched only on the loop that owns it.
package final class BusyPoll: @unchecked Sendable {
    /// Beyond so many sockets a loop does not look by default: it has enough to do.
    package static let socketsMaxDefault = 16
    /// A core that comes back later was wanted by another thread.
    package static let contentionDefault = TimeAmount.microseconds(5)

    private let eventLoop: any EventLoop
    private let socketsMax: Int
    private let contention: TimeAmount
    private var span: TimeAmount = .zero
    private var sockets: [pollfd] = []
    private var policy = BusyPollPolicy()
    private var isScheduled = false

    /// - Parameters:
    ///   - eventLoop: owns the sockets.
    ///   - socketsMax: beyond so many sockets the loop does not look.
    ///   - contention: a core that comes back later than this was wanted by another thread.
    package init(
        eventLoop: any EventLoop, socketsMax: Int = BusyPoll.socketsMaxDefault,
        contention: TimeAmount = BusyPoll.contentionDefault
    ) {
        self.eventLoop = eventLoop
        self.socketsMax = socketsMax
        self.contention = contention
    }

    /// Looks at a socket too from now on, at most for `span` each time.
    package func add(_ socket: CInt, span: TimeAmount) {
        self.eventLoop.assertInEventLoop()
        self.span = max(self.span, span)
        self.sockets.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0))
    }

    /// Before the socket is closed.
    package func remove(_ socket: CInt) {
        self.eventLoop.assertInEventLoop()
        self.sockets.removeAll { $0.fd == socket }
    }

    /// Whether there are sockets to look at, and not too many.
    package var mayHelp: Bool { !self.sockets.isEmpty && self.sockets.count <= self.socketsMax }

    /// A read batch has ended that sent something. The look comes once the other batches of this turn of the
    /// loop are done.
    /// - Parameter isIdle: whether nothing else waits for the loop.
    package func answered(while isIdle: @escaping @Sendable () -> Bool) {
        guard !self.isScheduled, self.mayHelp, self.policy.mayLook() else { return }
        self.isScheduled = true
        self.eventLoop.execute {
            self.isScheduled = false
            if let outcome = self.look(while: isIdle) { self.policy.looked(outcome) }
        }
    }

    private func look(while isIdle: () -> Bool) -> BusyPollPolicy.Outcome? {
        var now = NIODeadline.now()
        let end = now + self.span
        while isIdle() {
            if poll(&self.sockets, nfds_t(self.sockets.count), 0) != 0 { return .ready }
            sched_yield()
            let after = NIODeadline.now()
            if after - now > self.contention { return .contended }
            if after >= end { return .nothing }
            now = after
        }
        return nil
    }
}

/// Whether looking pays: after looks in vain it pauses, each time for longer. Pure.
struct BusyPollPolicy {
    enum Outcome {
        /// Bytes came.
        case ready
        /// None came in time.
        case nothing
        /// Another thread wanted the core.
        case contended
    }

    /// After so many looks in vain in a row, the pauses stop growing: one look in 257 answers.
    static let vainMax = 8
    /// The same where another thread wanted the core: that passes sooner, and such a look costs little.
    static let contendedMax = 4

    private var vain = 0
    private var pause = 0

    /// Asked once for each answer.
    mutating func mayLook() -> Bool {
        guard self.pause > 0 else { return true }
        self.pause -= 1
        return false
    }

    mutating func looked(_ outcome: Outcome) {
        switch outcome {
        case .ready: self.vain = 0
        case .nothing:
            self.vain = min(self.vain + 1, Self.vainMax)
            self.pause = 1 << self.vain
        case .contended:
            self.vain = min(self.vain + 1, Self.vainMax)
            self.pause = 1 << min(self.vain, Self.contendedMax)
        }
    }
}
