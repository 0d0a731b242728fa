internal import Crypto

/// The `SymmetricState` of the Noise framework with SHA-256: chaining key, handshake hash and, once a
/// Diffie-Hellman result was mixed in, a cipher.
/// - Source: <https://noiseprotocol.org/noise.html#the-symmetricstate-object>
struct NoiseSymmetricState: ~Copyable, Sendable {
    /// The hash of everything both sides have seen; binds each field to all before it.
    private(set) var hash: [UInt8]
    private var chainingKey: [UInt8]
    private var cipher: NoiseCipherState?

    /// Begins with the hash of the protocol name, or the name itself padded with zeros when it fits 32 bytes.
    init(protocolName: String) {
        let name = Array(protocolName.utf8)
        if name.count <= SHA256.byteCount {
            self.hash = name + [UInt8](repeating: 0, count: SHA256.byteCount - name.count)
        } else {
            self.hash = Array(SHA256.hash(data: name))
        }
        self.chainingKey = self.hash
        self.cipher = nil
    }

    /// Whether fields are encrypted from here on.
    var hasKey: Bool {
        switch self.cipher {
        case .none: return false
        case .some: return true
        }
    }

    /// Adds bytes to the handshake hash.
    mutating func mixHash(_ bytes: some Sequence<UInt8>) {
        var function = SHA256()
        function.update(data: self.hash)
        function.update(data: Array(bytes))
        self.hash = Array(function.finalize())
    }

    /// Derives a new chaining key and cipher key from a Diffie-Hellman result.
    mutating func mixKey(_ secret: SharedSecret) throws(SecurityError) {
        let derived = self.derive(secret.withUnsafeBytes { SymmetricKey(data: $0) })
        derived.withUnsafeBytes { self.replaceChainingKey(by: $0.prefix(32)) }
        self.cipher = NoiseCipherState(key: try Self.cipherKey(of: derived, at: 32..<64))
    }

    /// Encrypts a field when there is a key, and adds what goes on the wire to the hash.
    mutating func encryptAndHash(_ plaintext: [UInt8]) throws(SecurityError) -> [UInt8] {
        let field = try self.cipher?.sealed(plaintext, associatedData: self.hash) ?? plaintext
        self.mixHash(field)
        return field
    }

    /// Decrypts a field when there is a key, and adds what came from the wire to the hash.
    mutating func decryptAndHash(_ field: ArraySlice<UInt8>) throws(SecurityError) -> [UInt8] {
        let plaintext = try self.cipher?.opened(field, associatedData: self.hash) ?? Array(field)
        self.mixHash(field)
        return plaintext
    }

    /// The ciphers of the transport phase: the initiator's sending direction and the responder's.
    consuming func split() throws(SecurityError) -> NoiseCipherPair {
        let derived = self.derive(SymmetricKey(data: [UInt8]()))
        let initiator = try Self.cipherKey(of: derived, at: 0..<32)
        let responder = try Self.cipherKey(of: derived, at: 32..<64)
        self.replaceChainingKey(by: [])
        return NoiseCipherPair(
            initiatorToResponder: NoiseCipherState(key: initiator),
            responderToInitiator: NoiseCipherState(key: responder))
    }

    /// HKDF of the Noise framework with two outputs, which is RFC 5869 with the chaining key as salt and no
    /// info.
    private func derive(_ input: SymmetricKey) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: input, salt: self.chainingKey, info: [UInt8](), outputByteCount: 64)
    }

    /// Overwrites the old key in place before it goes; arrays are not shared, so this reaches the only copy
    /// we made.
    private mutating func replaceChainingKey(by bytes: some Sequence<UInt8>) {
        for index in self.chainingKey.indices { self.chainingKey[index] = 0 }
        self.chainingKey = Array(bytes)
    }

    private static func cipherKey(
        of derived: SymmetricKey, at range: Range<Int>
    ) throws(SecurityError) -> NoiseCipherKey {
        var key: NoiseCipherKey?
        var failure: SecurityError?
        derived.withUnsafeBytes { bytes in
            do throws(SecurityError) {
                key = try NoiseCipherKey(copying: bytes[range])
            } catch {
                failure = error
            }
        }
        guard let key = key.take() else {
            throw failure ?? SecurityError(.cryptoUnavailable, "a cipher key could not be made")
        }
        return key
    }
}

/// The two directions of a finished handshake.
struct NoiseCipherPair: ~Copyable, Sendable {
    /// Seals what the initiator (the dialer) sends.
    var initiatorToResponder: NoiseCipherState
    /// Seals what the responder (the listener) sends.
    var responderToInitiator: NoiseCipherState
}
