/// The serving end of one open call, as a wire hands it to ``CallTable``. From `receive()`, `nil` says that
/// the caller sends no more.
///
/// The handler's task receives and sends; for bidirectional methods these may be two tasks.
public protocol ServerCallStream: CallItemSource {
    /// What arrived before the first message. The deadline is on the local clock already.
    var head: CallHead { get }
    /// Sends one response, waiting while the caller is behind. ``WireItem/isLast`` ends the call with
    /// success.
    func send(_ item: WireItem) async throws
    /// Ends the call: `nil` is success without a further message. Ignored when the call is over.
    ///
    /// It neither blocks nor asks whether the task is cancelled: the status of a cancelled call must still
    /// reach the caller.
    func finish(_ status: RPCError?)
    /// Sets what happens when the caller cancels or its connection goes. Called once, before anything else;
    /// when that has happened already, `action` runs at once. The wire forgets the action when the call is
    /// over.
    func onCancel(_ action: @escaping @Sendable (RPCError) -> Void)
}
