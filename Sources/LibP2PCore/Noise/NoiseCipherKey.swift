internal import CSodium

/// A ChaCha20-Poly1305 key, and the two operations with it.
///
/// The 32 bytes live in an allocation of their own, which is wiped when the key goes away: moving the value
/// never copies them.
struct NoiseCipherKey: ~Copyable, Sendable {
    /// Bytes of a key.
    static let byteCount = 32

    /// Whether libsodium chose its implementations. Before `sodium_init` it works, at a third of the speed.
    private static let isLibraryReady: Bool = sodium_init() >= 0

    // Written only before `init` returns and freed only in `deinit`, so every thread sees constant bytes.
    private nonisolated(unsafe) let bytes: UnsafeMutablePointer<UInt8>

    /// Copies a key of exactly 32 bytes.
    /// - Throws: `cryptoUnavailable`; `invalidState` for another length.
    init(copying key: some Collection<UInt8>) throws(SecurityError) {
        guard Self.isLibraryReady else {
            throw SecurityError(.cryptoUnavailable, "libsodium could not be initialised")
        }
        guard key.count == Self.byteCount else {
            throw SecurityError(.invalidState, "a cipher key has 32 bytes")
        }
        self.bytes = .allocate(capacity: Self.byteCount)
        UnsafeMutableRawBufferPointer(start: self.bytes, count: Self.byteCount).copyBytes(from: key)
    }

    deinit {
        sodium_memzero(self.bytes, Self.byteCount)
        self.bytes.deallocate()
    }

    /// Encrypts `plaintext` into the first `plaintext.count + 16` bytes of `output`, which must be that long.
    ///
    /// The 12-byte nonce of the cipher is 4 zero bytes and the counter, little-endian.
    func seal(
        _ plaintext: UnsafeRawBufferPointer, associatedData: UnsafeRawBufferPointer, counter: UInt64,
        into output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard output.count >= plaintext.count + NoiseLimits.tagBytes,
            let destination = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        else { return false }
        return Self.withNonce(counter) { nonce in
            crypto_aead_chacha20poly1305_ietf_encrypt(
                destination, nil, plaintext.baseAddress?.assumingMemoryBound(to: UInt8.self),
                UInt64(plaintext.count), associatedData.baseAddress?.assumingMemoryBound(to: UInt8.self),
                UInt64(associatedData.count), nil, nonce, self.bytes) == 0
        }
    }

    /// Decrypts `ciphertext` into the first `ciphertext.count - 16` bytes of `output`; false when the tag is
    /// wrong, and then `output` holds no plaintext.
    func open(
        _ ciphertext: UnsafeRawBufferPointer, associatedData: UnsafeRawBufferPointer, counter: UInt64,
        into output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        let plaintextCount = ciphertext.count - NoiseLimits.tagBytes
        guard plaintextCount >= 0, output.count >= plaintextCount,
            let source = ciphertext.baseAddress?.assumingMemoryBound(to: UInt8.self)
        else { return false }
        // Without a destination libsodium only checks the tag, which is all there is to do for an empty
        // plaintext.
        let destination = plaintextCount == 0 ? nil : output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard plaintextCount == 0 || destination != nil else { return false }
        return Self.withNonce(counter) { nonce in
            crypto_aead_chacha20poly1305_ietf_decrypt(
                destination, nil, nil, source, UInt64(ciphertext.count),
                associatedData.baseAddress?.assumingMemoryBound(to: UInt8.self),
                UInt64(associatedData.count), nonce, self.bytes) == 0
        }
    }

    private static func withNonce(_ counter: UInt64, _ body: (UnsafePointer<UInt8>) -> Bool) -> Bool {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 12) { nonce in
            for index in 0..<4 { nonce.initializeElement(at: index, to: 0) }
            for index in 0..<8 {
                nonce.initializeElement(
                    at: 4 + index, to: UInt8(truncatingIfNeeded: counter >> (8 * UInt64(index))))
            }
            guard let base = nonce.baseAddress else { return false }
            return body(UnsafePointer(base))
        }
    }
}
