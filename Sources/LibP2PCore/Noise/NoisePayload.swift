package import Crypto
package import LibP2PIdentity
internal import LibP2PWire
internal import SwiftProtobuf

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What libp2p puts into the second and third Noise message: who we are, proof of it, and extensions.
///
/// Layout: protobuf `NoiseHandshakePayload` {1 identity_key, 2 identity_sig, 4 extensions {1 certhashes*, 2
/// stream_muxers*}}.
/// - Source: <https://github.com/libp2p/specs/blob/master/noise/README.md#the-libp2p-handshake-payload>
/// - Limits: ``NoiseLimits/identityKeyBytesMax``, ``NoiseLimits/identitySignatureBytesMax``,
///   ``NoiseLimits/muxersMax``; unknown fields are ignored.
package struct NoisePayload: Sendable, Hashable {
    /// The identity key as protobuf.
    package var identityKey: [UInt8]
    /// The signature of that key over ``signedBytes(staticKey:)``.
    package var identitySignature: [UInt8]
    /// Muxers the sender speaks, most wanted first. Empty when it says nothing of them.
    package var muxers: [String]

    /// Makes a payload.
    package init(identityKey: [UInt8], identitySignature: [UInt8], muxers: [String]) {
        self.identityKey = identityKey
        self.identitySignature = identitySignature
        self.muxers = muxers
    }

    /// Parses a payload. Says nothing about the signature yet.
    /// - Throws: `malformedMessage`, `missingField`, `messageTooLarge`.
    package init(bytes: [UInt8], limits: NoiseLimits = NoiseLimits()) throws(SecurityError) {
        let message: Libp2p_Noise_NoiseHandshakePayload
        do {
            message = try Libp2p_Noise_NoiseHandshakePayload(serializedBytes: bytes)
        } catch {
            throw SecurityError(
                .malformedMessage, "the handshake payload is not a protobuf message", cause: error)
        }
        guard message.hasIdentityKey, message.hasIdentitySig else {
            throw SecurityError(.missingField, "the handshake payload has no identity key or no signature")
        }
        guard message.identityKey.count <= limits.identityKeyBytesMax,
            message.identitySig.count <= limits.identitySignatureBytesMax
        else {
            throw SecurityError(.messageTooLarge, "the identity key or signature is too long")
        }
        self.identityKey = Array(message.identityKey)
        self.identitySignature = Array(message.identitySig)
        self.muxers = Array(message.extensions.streamMuxers.prefix(limits.muxersMax))
    }

    /// The wire form. Without muxers there is no extensions field, as peers that know none write it.
    package var encoded: [UInt8] {
        var message = Libp2p_Noise_NoiseHandshakePayload()
        message.identityKey = .init(self.identityKey)
        message.identitySig = .init(self.identitySignature)
        if !self.muxers.isEmpty { message.extensions.streamMuxers = self.muxers }
        // Serialising can only fail for missing required fields, and the message has none; an empty payload
        // is refused by every peer.
        return (try? message.serializedBytes()) ?? []
    }

    /// Checks that the identity key signed `staticKey` and returns it.
    /// - Throws: `invalidIdentityKey`, `invalidSignature`.
    package func verifiedIdentity(
        staticKey: Curve25519.KeyAgreement.PublicKey
    ) throws(SecurityError) -> PublicKey {
        let key: PublicKey
        do {
            key = try PublicKey(protobuf: self.identityKey)
        } catch {
            throw SecurityError(.invalidIdentityKey, "the identity key cannot be decoded", cause: error)
        }
        guard key.isValidSignature(self.identitySignature, for: Self.signedBytes(staticKey: staticKey)) else {
            throw SecurityError(.invalidSignature, "the identity key did not sign the Noise static key")
        }
        return key
    }

    /// The bytes an identity signs: `noise-libp2p-static-key:` and the 32 bytes of the key.
    package static func signedBytes(staticKey: Curve25519.KeyAgreement.PublicKey) -> [UInt8] {
        Array("noise-libp2p-static-key:".utf8) + staticKey.rawRepresentation
    }

    /// Signs a Noise static key, once for all handshakes of a host.
    package static func signature(
        ofStaticKey staticKey: Curve25519.KeyAgreement.PublicKey, by identity: PrivateKey
    ) throws(IdentityError) -> [UInt8] {
        try identity.sign(Self.signedBytes(staticKey: staticKey))
    }

    /// The first muxer of the dialer's list that the listener speaks too; nil when either list is empty or
    /// nothing matches, and then multistream-select decides inside the channel.
    ///
    /// The spec lets a handshake without overlap fail at once. go-libp2p negotiates again instead and some
    /// peers rely on it (they list only muxers that they prefer), so do we; without any common muxer that
    /// negotiation fails as well.
    /// - Source: <https://github.com/libp2p/specs/blob/master/connections/inlined-muxer-negotiation.md>
    package static func earlyMuxer(dialer: [String], listener: [String]) -> String? {
        dialer.first { listener.contains($0) }
    }
}
