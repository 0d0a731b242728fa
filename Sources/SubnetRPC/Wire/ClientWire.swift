/// A way to reach peers: what a ``Client`` calls through. Libp2p streams, a pipe and a queue in memory are
/// all wires.
public protocol ClientWire: Sendable {
    /// Opens one call.
    ///
    /// Nothing needs to be sent yet: the head may travel with the first message. It gives up by
    /// `head.deadline` and when the task is cancelled.
    /// - Throws: ``RPCError/Code/unavailable`` when the peer cannot be reached,
    ///   ``RPCError/Code/unimplemented`` when the peer or the wire does not know the method.
    func open(_ head: CallHead) async throws -> any ClientCallStream
}

/// Where the messages of one direction of a call come from.
///
/// One task receives at a time.
public protocol CallItemSource: AnyObject, Sendable {
    /// A message that is here already; `nil` says nothing about the end.
    func poll() throws -> WireItem?
    /// The next message, or `nil` when no message follows.
    /// - Throws: the status of the call when it failed, or what happened to the wire.
    func receive() async throws -> WireItem?
}

extension CallItemSource {
    /// Wires that keep nothing decoded have nothing here.
    public func poll() throws -> WireItem? { nil }
}

/// The calling end of one open call. From `receive()`, `nil` says that the call has succeeded.
///
/// One task sends and one receives; they may be two tasks or the same one. After ``cancel(_:)`` both throw
/// its reason.
public protocol ClientCallStream: CallItemSource {
    /// Sends one request, waiting while the other side is behind. The first one carries the head with it.
    func send(_ item: WireItem) async throws
    /// Says that no request follows, when the last one did not say so itself.
    func finishSending() async throws
    /// Ends the call from this side; the handler is cancelled. Does nothing when the call is over. Never
    /// blocks.
    func cancel(_ reason: RPCError)
}
