/// Bounds on what comes from outside, in one place. The driver adds those of its sockets.
public struct SynapseLimits: Sendable, Hashable {
    /// Most bytes of a request target.
    public var targetBytesMax = 2048
    /// Most header fields of a message.
    public var headersMax = 128
    /// Most bytes of one header value.
    public var headerValueBytesMax = 8 << 10
    /// Most bytes of all header names and values together.
    public var headerBytesMax = 64 << 10
    /// Most bytes of a `uuid`.
    public var uuidBytesMax = 128
    /// Most bytes of a body.
    public var bodyBytesMax = 16 << 20
    /// Most bytes of the body of a reply that is written.
    public var replyBytesMax = 16 << 20
    /// Bounds on the JSON of a body.
    public var json = JSONLimits()
    /// Nonces that are remembered at one time; beyond, the oldest go and everything up to them is refused.
    public var noncesMax = 524_288
    /// Nonces that are remembered of one hotkey at one time; beyond, that hotkey is refused.
    public var noncesPerHotkeyMax = 131_072
    /// Pairs of hotkey and uuid that the compatible rule remembers; beyond, the one used longest ago goes.
    public var noncePairsMax = 65_536

    /// The default bounds.
    public init() {}
}
