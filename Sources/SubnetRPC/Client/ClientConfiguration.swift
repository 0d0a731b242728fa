/// Settings of a ``Client``.
public struct ClientConfiguration: Sendable {
    /// The deadline of calls that name none. There is no call without one.
    public var defaultDeadline: Duration = .seconds(30)
    /// A longer deadline than this is cut to it.
    public var deadlineMax: Duration = .seconds(24 * 60 * 60)
    /// Largest response message that is accepted, in bytes.
    public var responseBytesMax = 16 * 1024 * 1024
    /// Largest request message that is sent, in bytes.
    public var requestBytesMax = 16 * 1024 * 1024
    /// Most responses of one call.
    public var responsesPerCallMax = 1 << 24
    /// Most metadata a call may send, in bytes of names and values.
    public var metadataBytesMax = 8 * 1024

    /// The documented defaults.
    public init() {}
}
