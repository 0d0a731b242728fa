internal import LibP2PIdentity

/// How the commands that dial out present themselves.
struct ClientIdentity: Sendable {
    /// The key to use; nil makes a new one for this process.
    var key: PrivateKey?
    /// The longest time for dial and handshake together.
    var timeout: Duration
}

/// `subnet ping`.
struct PingRequest: Sendable {
    /// May lack `/p2p/ID`; then whoever answers is reported.
    var target: Multiaddr
    var count: Int
    var interval: Duration
    var client: ClientIdentity
}

/// One answer to a ping.
struct PingReply: Sendable, Encodable {
    var peer: String
    /// From 1.
    var sequence: Int
    var milliseconds: Double
}

/// `subnet identify`.
struct IdentifyRequest: Sendable {
    /// May lack `/p2p/ID`; then whoever answers is reported.
    var target: Multiaddr
    var client: ClientIdentity
}

/// What a peer says about itself.
struct IdentifyReport: Sendable, Encodable {
    var peerId: String
    /// `ed25519`, `rsa`, `secp256k1`, `ecdsa`.
    var keyType: String
    var agentVersion: String
    var protocolVersion: String
    var listen: [String]
    /// How the peer sees this side; nil when it does not say.
    var observed: String?
    var protocols: [String]
    /// Whether a signed peer record was there and its signature is right.
    var hasSignedRecord: Bool
    /// Security and multiplexer of the connection, such as `/noise` and `/yamux/1.0.0`.
    var security: String
    var muxer: String
}

/// `subnet call task`.
struct TaskCallRequest: Sendable {
    /// Ends in `/p2p/ID`.
    var target: Multiaddr
    var taskID: String
    var payload: [UInt8]
    /// The deadline of the call.
    var timeout: Duration
    var client: ClientIdentity
}

/// What the peer answered.
struct TaskCallReport: Sendable {
    var isAccepted: Bool
    var result: [UInt8]
    /// The peer's reason; empty when it gave none.
    var error: String
    var peer: PeerID
    /// From the call to its answer, without dial and handshake.
    var elapsed: Duration
}

/// `subnet infer`.
struct InferRequest: Sendable {
    /// Where the answer is to come from.
    enum Target: Sendable, Hashable {
        /// An address that ends in `/p2p/ID`.
        case address(Multiaddr)
        /// A peer whose address the bootstrap nodes tell.
        case peer(PeerID)
    }

    var target: Target
    /// Each ends in `/p2p/ID`.
    var bootstrap: [Multiaddr]
    var prompt: String
    var newTokensMax: Int
    /// 0 always takes the likeliest token.
    var temperature: Double
    /// 0 means no bound.
    var topK: Int
    /// 1 means no bound.
    var topP: Double
    /// nil draws one.
    var seed: UInt64?
    var timeout: Duration
    var client: ClientIdentity
}

/// One token of an answer.
struct InferToken: Sendable {
    /// Position within the answer, from 0.
    var index: Int
    var tokenID: Int
    /// The text that this token completes; empty in the middle of a character.
    var text: String
}

/// What there is to say once an answer is complete.
struct InferReport: Sendable {
    var peer: PeerID
    var newTokens: Int
    /// Such as `length` or `stop`.
    var finishReason: String
    var seed: UInt64
    var firstToken: Duration
    var elapsed: Duration
    /// The text of bytes at the end that no token made a whole character; mostly empty.
    var rest = ""
}

/// `subnet perf run`.
struct PerfRequest: Sendable {
    /// May lack `/p2p/ID`.
    var target: Multiaddr
    var uploadBytes: Int
    var downloadBytes: Int
    var timeout: Duration
    var client: ClientIdentity
}

/// How far a measurement is.
struct PerfProgress: Sendable {
    var uploadedBytes: Int
    var downloadedBytes: Int
}

/// What was measured.
struct PerfReport: Sendable {
    var peer: PeerID
    var upload: Duration
    var download: Duration
}

/// `subnet demo`.
struct DemoRequest: Sendable {
    var prompt: String
    var newTokensMax: Int
    var seed: UInt64
    var timeout: Duration
}

/// What happens in the demo, as it happens.
enum DemoEvent: Sendable {
    /// A process of the subnet is up.
    case started(role: String, peer: PeerID, address: Multiaddr, process: Int32)
    /// The client knows these hosters, and how.
    case found(hosters: [PeerID])
    /// A token came, from this hoster.
    case token(InferToken, hoster: PeerID)
    /// A hoster was killed in the middle of the answer.
    case killed(hoster: PeerID, afterTokens: Int)
    /// Another hoster goes on.
    case continued(hoster: PeerID, fromToken: Int)
}

/// The table at the end of the demo.
struct DemoReport: Sendable {
    var text: String
    /// Whether `text` is that of an undisturbed run with the same seed.
    var isEqualToUndisturbed: Bool
    var firstToken: Duration
    var tokensPerSecond: Double
    var tokens: Int
    var bytesSent: Int
    var bytesReceived: Int
    var peers: Int
    /// The end of `text` that no token's event has told; mostly empty.
    var rest = ""
}

/// A listener that is up.
struct ListeningReport: Sendable {
    var peer: PeerID
    /// Real addresses with ports, each ending in `/p2p/ID`.
    var addresses: [Multiaddr]
}
