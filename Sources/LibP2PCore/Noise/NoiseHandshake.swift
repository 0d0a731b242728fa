package import Crypto
package import LibP2PIdentity
package import NIOCore

/// The libp2p Noise handshake: XX over 25519, ChaChaPoly and SHA-256, with identity payloads.
///
/// States: reading or writing message 1, 2, 3 → complete → transport, or failed. The dialer calls
/// ``start(into:)`` first and then both sides feed what arrives to ``received(_:reply:)``.
///
/// Each message is framed as length u16 big-endian | message. Message 1 carries no payload of ours and one of
/// the peer's is ignored, because it is neither secret nor authenticated; 2 and 3 carry a ``NoisePayload``.
/// The dialer checks the listener's payload before it shows who it is itself.
/// - Source: <https://github.com/libp2p/specs/blob/master/noise/README.md>
/// - Limits: ``NoiseLimits/handshakeMessageBytesMax``; an incomplete message stays in the caller's buffer.
package struct NoiseHandshake: ~Copyable, Sendable {
    /// What a batch of input led to.
    package enum Result: Sendable, Hashable {
        /// More bytes of the peer are needed. `reply` may hold our next message.
        case needMore
        /// The peer is who it says it is. Send `reply` before any record of the transport.
        case complete(Established)
    }

    /// What a finished handshake says about the peer.
    package struct Established: Sendable, Hashable {
        /// The id of the peer, derived from ``publicKey``.
        package var peerID: PeerID
        /// The key that signed the handshake.
        package var publicKey: PublicKey
        /// The muxer both sides agreed on inside the handshake.
        package var earlyMuxer: String?
    }

    private enum Step: Sendable {
        case start, awaitingMessage1, awaitingMessage2, awaitingMessage3, complete, failed
    }

    private let role: ConnectionRole
    private let ownPayload: NoisePayload
    private let expectedPeer: PeerID?
    private let limits: NoiseLimits
    private var handshake: NoiseHandshakeState?
    private var step: Step

    /// Prepares a handshake. Nothing is sent yet.
    /// - Parameters:
    ///   - staticKeySignature: of `identity` over `staticKey`, see
    ///     ``NoisePayload/signature(ofStaticKey:by:)``.
    ///   - ephemeralKey: fresh for this handshake.
    ///   - expectedPeer: who must answer; nil accepts anybody who proves an identity.
    ///   - muxers: offered in the payload, most wanted first; empty leaves the extension out.
    package init(
        role: ConnectionRole, identity: PrivateKey, staticKey: Curve25519.KeyAgreement.PrivateKey,
        ephemeralKey: Curve25519.KeyAgreement.PrivateKey, staticKeySignature: [UInt8], expectedPeer: PeerID?,
        muxers: [String], prologue: [UInt8] = [], limits: NoiseLimits = NoiseLimits()
    ) {
        self.role = role
        self.ownPayload = NoisePayload(
            identityKey: identity.publicKey.protobufEncoded, identitySignature: staticKeySignature,
            muxers: muxers)
        self.expectedPeer = expectedPeer
        self.limits = limits
        // XX presupposes no key, so this succeeds; were it not so, the first input fails.
        self.handshake = try? NoiseHandshakeState(
            role: role, staticKey: staticKey, ephemeralKey: ephemeralKey, prologue: prologue)
        self.step = role == .dialer ? .start : .awaitingMessage1
    }

    /// Writes the dialer's message 1. Does nothing for a listener, or the second time.
    package mutating func start(into output: inout ByteBuffer) {
        guard self.step == .start else { return }
        do {
            try self.write(payload: [], into: &output)
            self.step = .awaitingMessage2
        } catch {
            self.step = .failed
        }
    }

    /// Takes bytes of the peer.
    /// - Parameters:
    ///   - input: consumed by whole messages; bytes after the last handshake message are records and stay.
    ///   - reply: our next message is appended here.
    /// - Throws: every code of ``SecurityError`` but those of certificates; the machine accepts nothing
    ///   afterwards.
    package mutating func received(
        _ input: inout ByteBuffer, reply: inout ByteBuffer
    ) throws(SecurityError) -> Result {
        do {
            return try self.process(&input, reply: &reply)
        } catch {
            self.step = .failed
            self.handshake = nil
            throw error
        }
    }

    /// The channel of the finished handshake.
    /// - Throws: `invalidState` unless ``received(_:reply:)`` has returned `complete`.
    package consuming func transport() throws(SecurityError) -> NoiseTransport {
        guard self.step == .complete, let handshake = self.handshake.take() else {
            throw SecurityError(.invalidState, "the Noise handshake is not complete")
        }
        let ciphers = try handshake.split()
        return NoiseTransport(role: self.role, ciphers: ciphers, limits: self.limits)
    }

    private mutating func process(
        _ input: inout ByteBuffer, reply: inout ByteBuffer
    ) throws(SecurityError) -> Result {
        switch self.step {
        case .awaitingMessage1:
            guard let message = try self.nextMessage(&input) else { return .needMore }
            _ = try self.read(message)
            try self.write(payload: self.ownPayload.encoded, into: &reply)
            self.step = .awaitingMessage3
            // A dialer cannot have sent message 3 yet: what follows belongs to it and is looked at with the
            // next batch.
            return .needMore
        case .awaitingMessage2:
            guard let message = try self.nextMessage(&input) else { return .needMore }
            let established = try self.authenticated(payload: self.read(message))
            try self.write(payload: self.ownPayload.encoded, into: &reply)
            self.step = .complete
            return .complete(established)
        case .awaitingMessage3:
            guard let message = try self.nextMessage(&input) else { return .needMore }
            let established = try self.authenticated(payload: self.read(message))
            self.step = .complete
            return .complete(established)
        case .start, .complete, .failed:
            throw SecurityError(.invalidState, "the Noise handshake takes no input now")
        }
    }

    /// Takes one framed message, or nil when it is not complete yet.
    private func nextMessage(_ input: inout ByteBuffer) throws(SecurityError) -> [UInt8]? {
        guard let length = input.getInteger(at: input.readerIndex, as: UInt16.self) else { return nil }
        guard length <= self.limits.handshakeMessageBytesMax else {
            throw SecurityError(.messageTooLarge, "a handshake message of \(length) bytes was announced")
        }
        guard input.readableBytes >= 2 + Int(length) else { return nil }
        input.moveReaderIndex(forwardBy: 2)
        return input.readBytes(length: Int(length))
    }

    private mutating func read(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
        guard var handshake = self.handshake.take() else { throw Self.noHandshake }
        let payload = try handshake.readMessage(message)
        self.handshake = consume handshake
        return payload
    }

    private mutating func write(payload: [UInt8], into output: inout ByteBuffer) throws(SecurityError) {
        guard var handshake = self.handshake.take() else { throw Self.noHandshake }
        let message = try handshake.writeMessage(payload: payload)
        self.handshake = consume handshake
        guard let length = UInt16(exactly: message.count) else {
            throw SecurityError(.messageTooLarge, "our own handshake message exceeds 65535 bytes")
        }
        output.writeInteger(length)
        output.writeBytes(message)
    }

    /// Checks the peer's payload against the static key it came under.
    private func authenticated(payload bytes: [UInt8]) throws(SecurityError) -> Established {
        let payload = try NoisePayload(bytes: bytes, limits: self.limits)
        guard let staticKey = self.remoteStatic else { throw Self.noHandshake }
        let publicKey = try payload.verifiedIdentity(staticKey: staticKey)
        let peerID = PeerID(publicKey: publicKey)
        if let expectedPeer, expectedPeer != peerID {
            throw SecurityError(.peerIDMismatch, "\(peerID) answered instead of \(expectedPeer)")
        }
        let (dialer, listener) =
            self.role == .dialer
            ? (self.ownPayload.muxers, payload.muxers) : (payload.muxers, self.ownPayload.muxers)
        return Established(
            peerID: peerID, publicKey: publicKey,
            earlyMuxer: NoisePayload.earlyMuxer(dialer: dialer, listener: listener))
    }

    private var remoteStatic: Curve25519.KeyAgreement.PublicKey? {
        switch self.handshake {
        case .some(let handshake): handshake.remoteStatic
        case .none: nil
        }
    }

    private static var noHandshake: SecurityError {
        SecurityError(.invalidState, "the Noise handshake has failed before")
    }
}
