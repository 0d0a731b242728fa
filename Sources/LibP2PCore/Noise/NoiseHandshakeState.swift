internal import Crypto

/// The `HandshakeState` of the Noise framework: turns tokens of a ``NoisePattern`` into bytes and back.
///
/// States: message *n* of the pattern is next, written by the initiator when *n* is even; after the last one
/// ``split()`` gives the transport ciphers. Any error poisons the value: no further message is written or
/// read. Keys come from outside, so the same inputs give the same bytes.
/// - Source: <https://noiseprotocol.org/noise.html#the-handshakestate-object>
struct NoiseHandshakeState: ~Copyable, Sendable {
    /// Bytes of a public key.
    static let keyBytes = 32

    private let role: ConnectionRole
    private let pattern: NoisePattern
    private let staticKey: Curve25519.KeyAgreement.PrivateKey?
    private let ephemeralKey: Curve25519.KeyAgreement.PrivateKey?
    private var symmetric: NoiseSymmetricState
    private var nextMessage = 0
    private var hasFailed = false
    /// The peer's static key, once it was received or when it was known beforehand. What it is worth is for
    /// the payload to prove.
    private(set) var remoteStatic: Curve25519.KeyAgreement.PublicKey?
    private var remoteEphemeral: Curve25519.KeyAgreement.PublicKey?

    /// Begins a handshake.
    /// - Parameters:
    ///   - remoteStatic: the key known beforehand, in patterns that have one.
    ///   - prologue: bytes both sides must agree on.
    /// - Throws: `invalidState` when a key that the pattern presupposes is missing.
    init(
        pattern: NoisePattern = .xx, role: ConnectionRole, staticKey: Curve25519.KeyAgreement.PrivateKey?,
        ephemeralKey: Curve25519.KeyAgreement.PrivateKey?,
        remoteStatic: Curve25519.KeyAgreement.PublicKey? = nil,
        prologue: [UInt8] = []
    ) throws(SecurityError) {
        self.role = role
        self.pattern = pattern
        self.staticKey = staticKey
        self.ephemeralKey = ephemeralKey
        self.remoteStatic = remoteStatic
        self.symmetric = NoiseSymmetricState(protocolName: pattern.protocolName)
        self.symmetric.mixHash(prologue)
        let initiatorStatic = role == .dialer ? staticKey?.publicKey : remoteStatic
        let responderStatic = role == .dialer ? remoteStatic : staticKey?.publicKey
        if pattern.initiatorStaticIsKnown {
            self.symmetric.mixHash(try Self.present(initiatorStatic).rawRepresentation)
        }
        if pattern.responderStaticIsKnown {
            self.symmetric.mixHash(try Self.present(responderStatic).rawRepresentation)
        }
    }

    /// Whether all messages were written and read.
    var isFinished: Bool { self.nextMessage == self.pattern.messages.count }

    /// Whether the next message is ours to write.
    var isOurTurn: Bool { !self.isFinished && self.nextMessage.isMultiple(of: 2) == (self.role == .dialer) }

    /// The hash of the whole handshake, for channel binding.
    var handshakeHash: [UInt8] { self.symmetric.hash }

    /// Writes the next message of the pattern with `payload` at its end.
    /// - Throws: `invalidState`, `weakKey`, `cryptoUnavailable`.
    mutating func writeMessage(payload: [UInt8]) throws(SecurityError) -> [UInt8] {
        guard !self.hasFailed, self.isOurTurn else {
            throw SecurityError(.invalidState, "it is not our turn to write a handshake message")
        }
        do {
            var message: [UInt8] = []
            for token in self.pattern.messages[self.nextMessage] {
                switch token {
                case .e:
                    let key = try Self.present(self.ephemeralKey).publicKey.rawRepresentation
                    message += key
                    self.symmetric.mixHash(key)
                case .s:
                    let key = Array(try Self.present(self.staticKey).publicKey.rawRepresentation)
                    message += try self.symmetric.encryptAndHash(key)
                case .ee, .es, .se, .ss:
                    try self.mixKey(token)
                }
            }
            message += try self.symmetric.encryptAndHash(payload)
            self.nextMessage += 1
            return message
        } catch {
            self.hasFailed = true
            throw error
        }
    }

    /// Reads the next message of the pattern and returns its payload.
    /// - Throws: `malformedMessage` when it is too short, `decryptionFailed`, `weakKey`, `invalidState`.
    mutating func readMessage(_ message: [UInt8]) throws(SecurityError) -> [UInt8] {
        guard !self.hasFailed, !self.isFinished, !self.isOurTurn else {
            throw SecurityError(.invalidState, "no handshake message was expected")
        }
        do {
            var rest = message[...]
            for token in self.pattern.messages[self.nextMessage] {
                switch token {
                case .e:
                    let key = try Self.take(Self.keyBytes, from: &rest)
                    self.remoteEphemeral = try Self.publicKey(key)
                    self.symmetric.mixHash(key)
                case .s:
                    let tag = self.symmetric.hasKey ? NoiseLimits.tagBytes : 0
                    let field = try Self.take(Self.keyBytes + tag, from: &rest)
                    self.remoteStatic = try Self.publicKey(self.symmetric.decryptAndHash(field)[...])
                case .ee, .es, .se, .ss:
                    try self.mixKey(token)
                }
            }
            let payload = try self.symmetric.decryptAndHash(rest)
            self.nextMessage += 1
            return payload
        } catch {
            self.hasFailed = true
            throw error
        }
    }

    /// Ends the handshake.
    /// - Throws: `invalidState` before the last message or after an error.
    consuming func split() throws(SecurityError) -> NoiseCipherPair {
        guard !self.hasFailed, self.isFinished else {
            throw SecurityError(.invalidState, "the handshake is not finished")
        }
        return try self.symmetric.split()
    }

    private mutating func mixKey(_ token: NoisePattern.Token) throws(SecurityError) {
        let isDialer = self.role == .dialer
        let ownIsStatic = token == .ss || token == (isDialer ? .se : .es)
        let remoteIsStatic = token == .ss || token == (isDialer ? .es : .se)
        let own = try Self.present(ownIsStatic ? self.staticKey : self.ephemeralKey)
        let remote = try Self.present(remoteIsStatic ? self.remoteStatic : self.remoteEphemeral)
        let secret: SharedSecret
        do {
            secret = try own.sharedSecretFromKeyAgreement(with: remote)
        } catch {
            throw SecurityError(.weakKey, "Diffie-Hellman with a key of the peer failed", cause: error)
        }
        // A key of low order gives zero whatever our key is (RFC 7748, section 6.1). BoringSSL reports it,
        // but swift-crypto does not pass that on. All bytes are looked at, so the time tells nothing of other
        // results.
        guard secret.withUnsafeBytes({ $0.reduce(0, |) }) != 0 else {
            throw SecurityError(.weakKey, "a Diffie-Hellman key of the peer is of low order")
        }
        try self.symmetric.mixKey(secret)
    }

    private static func present<Key>(_ key: Key?) throws(SecurityError) -> Key {
        guard let key else {
            throw SecurityError(.invalidState, "the pattern needs a key that was not given")
        }
        return key
    }

    private static func take(
        _ count: Int, from rest: inout ArraySlice<UInt8>
    ) throws(SecurityError) -> ArraySlice<UInt8> {
        guard rest.count >= count else {
            throw SecurityError(.malformedMessage, "a handshake message ends inside a key")
        }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private static func publicKey(
        _ bytes: ArraySlice<UInt8>
    ) throws(SecurityError) -> Curve25519.KeyAgreement.PublicKey {
        do {
            return try Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes)
        } catch {
            throw SecurityError(
                .malformedMessage, "a Diffie-Hellman key does not have 32 bytes", cause: error)
        }
    }
}
