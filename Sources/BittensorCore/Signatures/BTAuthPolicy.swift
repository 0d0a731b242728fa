/// What a verifier of `btauth/1` accepts.
public struct BTAuthPolicy: Sendable, Hashable {
    /// Oldest nonce, the bound included.
    public let ageMax: Duration
    /// Nonce furthest ahead of our clock, the bound included.
    public let skewMax: Duration
    /// How long nonces are remembered.
    public let retention: Duration
    /// Whether a request must name its receiver.
    public let requiresReceiver: Bool
    /// Whether a signature over `<Bytes>…</Bytes>` counts: what wallets in browsers make of any text that a
    /// site asks them to sign.
    public let acceptsWrappedSignatures: Bool
    /// Whether nonces may have blanks, signs, underscores and leading zeros, and headers may be repeated.
    public let isLenient: Bool

    /// As the SDK verifies by default: 10 s, 2 s ahead, remembered for 60 s, wrapped signatures count.
    public static let reference = BTAuthPolicy(
        ageMax: .seconds(10), skewMax: .seconds(2), retention: .seconds(60), isReceiverRequired: true,
        wrapped: true, lenient: true)
    /// The same windows; wrapped signatures do not count, and every header occurs once in its plain form.
    public static let strict = BTAuthPolicy(
        ageMax: .seconds(10), skewMax: .seconds(2), retention: .seconds(60), isReceiverRequired: true,
        wrapped: false, lenient: false)

    /// A policy of one's own.
    ///
    /// - Throws: ``BittensorError/Code/invalidConfiguration`` when nonces would be forgotten while requests
    ///   with them are still fresh, or a length of time is negative or beyond an hour.
    public init(
        ageMax: Duration = .seconds(10), skewMax: Duration = .seconds(2), retention: Duration = .seconds(60),
        requiresReceiver: Bool = true, acceptsWrappedSignatures: Bool = false, isLenient: Bool = false
    ) throws(BittensorError) {
        for span in [ageMax, skewMax, retention] where span < .zero || span > .seconds(3600) {
            throw BittensorError(.invalidConfiguration, "\(span) is not between 0 s and an hour")
        }
        guard retention >= ageMax + skewMax else {
            throw BittensorError(
                .invalidConfiguration,
                "nonces are remembered for \(retention), and requests are fresh for \(ageMax + skewMax)")
        }
        self.init(
            ageMax: ageMax, skewMax: skewMax, retention: retention, isReceiverRequired: requiresReceiver,
            wrapped: acceptsWrappedSignatures, lenient: isLenient)
    }

    private init(
        ageMax: Duration, skewMax: Duration, retention: Duration, isReceiverRequired: Bool, wrapped: Bool,
        lenient: Bool
    ) {
        self.ageMax = ageMax
        self.skewMax = skewMax
        self.retention = retention
        self.requiresReceiver = isReceiverRequired
        self.acceptsWrappedSignatures = wrapped
        self.isLenient = lenient
    }
}
