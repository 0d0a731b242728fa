internal import CSodium

/// libsodium, ready to use.
enum Sodium {
    /// Picks the fastest code for this processor; false where the library finds no randomness.
    private static let isReady = sodium_init() >= 0

    /// - Throws: `.cryptography`.
    static func start() throws(AccountKeyError) {
        guard isReady else { throw AccountKeyError(.cryptography, "libsodium finds no source of randomness") }
    }

    /// Random bytes that may be seen.
    static func randomBytes(_ count: Int) throws(AccountKeyError) -> [UInt8] {
        try start()
        var bytes = [UInt8](repeating: 0, count: count)
        randombytes_buf(&bytes, count)
        return bytes
    }

    /// Random bytes that must not be seen.
    static func randomSecret(_ count: Int) throws(AccountKeyError) -> SecretBytes {
        try start()
        return SecretBytes(count: count) { start in randombytes_buf(start, count) }
    }
}
