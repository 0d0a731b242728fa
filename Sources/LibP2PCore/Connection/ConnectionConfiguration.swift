package import Crypto
package import LibP2PIdentity
package import NIOCore

/// One entry of the list of security protocols a connection may negotiate.
///
/// The wire form of the upgrade and its multistream id are independent: the proof-of-stake transport of the
/// Hypertensor template is `SecurityOption(id: "/pos-transport/1.0.0", upgrade: .noise)`.
package struct SecurityOption: Sendable, Hashable {
    /// How the channel is secured once the id is agreed.
    package enum Upgrade: Sendable, Hashable {
        /// Noise XX with the libp2p payload.
        case noise
        /// TLS 1.3 with the libp2p certificate extension.
        case tls
    }

    /// The multistream-select id.
    package var id: String
    /// The handshake behind it.
    package var upgrade: Upgrade

    package init(id: String, upgrade: Upgrade) {
        self.id = id
        self.upgrade = upgrade
    }

    /// Noise by the libp2p spec.
    package static var noise: SecurityOption { SecurityOption(id: "/noise", upgrade: .noise) }
    /// TLS 1.3 by the libp2p spec.
    package static var tls: SecurityOption { SecurityOption(id: "/tls/1.0.0", upgrade: .tls) }
}

/// The bounds of one connection. All of them are enforced by ``ConnectionCore``.
package struct ConnectionLimits: Sendable {
    /// From the first byte to the end of the security handshake.
    package var handshakeTimeout: TimeAmount = .seconds(10)
    /// How long the admission gate may think.
    package var admissionTimeout: TimeAmount = .seconds(10)
    /// Choosing the muxer.
    package var muxerTimeout: TimeAmount = .seconds(10)
    /// Choosing the protocol of one stream.
    package var streamNegotiationTimeout: TimeAmount = .seconds(10)
    /// Bytes the peer may send before it is admitted and the muxer runs, beyond a handshake record.
    package var unadmittedBytesMax = 128 * 1024
    /// Inbound streams that have not chosen a protocol yet.
    package var streamsNegotiatingMax = 256
    /// Bytes of negotiation one stream may buffer.
    package var streamNegotiationBytesMax = 64 * 1024
    /// The muxer's own bounds.
    package var yamux = YamuxLimits()

    package init() {}
}

/// What every connection of a host shares.
package struct ConnectionConfiguration: Sendable {
    /// Long-term key of this node.
    package var identity: PrivateKey
    /// X25519 key of the Noise handshake, one per host.
    package var noiseStaticKey: Curve25519.KeyAgreement.PrivateKey
    /// Signature of ``identity`` over the Noise static key.
    package var noiseStaticKeySignature: [UInt8]
    /// What we offer, most wanted first.
    package var security: [SecurityOption]
    /// Muxers, most wanted first. Yamux is the only one there is.
    package var muxers: [String]
    /// Whether the muxer may be agreed inside the handshake.
    package var earlyMuxer: Bool
    /// Bounds.
    package var limits: ConnectionLimits

    /// Makes a configuration; signs the Noise static key.
    /// - Throws: when the identity cannot sign.
    package init(
        identity: PrivateKey, noiseStaticKey: Curve25519.KeyAgreement.PrivateKey = .init(),
        security: [SecurityOption] = [.noise, .tls], earlyMuxer: Bool = true,
        limits: ConnectionLimits = ConnectionLimits()
    ) throws(IdentityError) {
        self.identity = identity
        self.noiseStaticKey = noiseStaticKey
        self.noiseStaticKeySignature = try NoisePayload.signature(
            ofStaticKey: noiseStaticKey.publicKey, by: identity)
        self.security = security
        self.muxers = [Self.yamux]
        self.earlyMuxer = earlyMuxer
        self.limits = limits
    }

    /// The multistream id of yamux.
    package static var yamux: String { "/yamux/1.0.0" }
}
