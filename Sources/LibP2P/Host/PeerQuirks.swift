/// What must be done differently with one kind of peer, known by the software it names in identify.
///
/// The template pins py-libp2p between 0.6 and 0.7. There, a connection can open 256 streams in its life and
/// hangs for ever on the next one; streams that wait to be accepted block everything behind the tenth; and
/// go-away, in every release up to 0.8, drops the streams that are open. None of these can be seen on the
/// wire before it is too late.
struct PeerQuirks: Sendable, Hashable {
    /// Streams the peer may have opened on a connection before that is closed at the first moment without a
    /// stream, so that the peer dials again.
    var inboundStreamsMax: Int?
    /// Streams we may be opening at a time; more wait until the peer has answered for one.
    var opensMax: Int?
    /// Whether go-away drops the peer's open streams, so that a drained connection must not say it.
    var endsStreamsOnGoAway = false

    /// A peer by the book.
    static let none = PeerQuirks()

    /// - Parameter agentVersion: as identify gives it.
    init(agentVersion: String) {
        guard agentVersion.hasPrefix(Self.pyPrefix) else { return }
        self.endsStreamsOnGoAway = true
        let release = agentVersion.dropFirst(Self.pyPrefix.count)
        // The pinned commit calls itself 0.6.0. A release that cannot be told is held to be that one.
        guard release.hasPrefix("0.6") || release == "unknown" else { return }
        self.inboundStreamsMax = 240
        self.opensMax = 8
    }

    private init() {}

    private static let pyPrefix = "py-libp2p/"
}
