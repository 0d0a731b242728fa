/// Bounds of a ``Router``, all enforced by default. A call over one is refused at once and never queued.
public struct RouterLimits: Sendable {
    /// Most calls served at one time.
    public var callsMax = 4096
    /// Most calls of one peer at one time.
    public var callsPerPeerMax = 512
    /// Most calls of one method at one time, unless its registration says otherwise.
    public var callsPerMethodMax = 2048
    /// Largest request message, in bytes.
    public var requestBytesMax = 16 * 1024 * 1024
    /// Largest response message, in bytes.
    public var responseBytesMax = 16 * 1024 * 1024
    /// Most requests of one streaming call.
    public var requestsPerCallMax = 1 << 24
    /// Most metadata of one call, in bytes of names and values.
    public var metadataBytesMax = 8 * 1024
    /// A caller that asks for more time gets this much.
    public var deadlineMax: Duration = .seconds(24 * 60 * 60)
    /// When to call again, as a refused caller is told.
    public var retryAfter: Duration = .milliseconds(200)

    /// The documented defaults.
    public init() {}
}
