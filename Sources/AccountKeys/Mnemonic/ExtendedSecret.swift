internal import CSodium

/// A private key of BIP32: 32 bytes of secp256k1 and 32 of chain code.
///
/// - Source: <https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki>
struct ExtendedSecret {
    private let key: SecretBytes
    private let chainCode: SecretBytes

    /// The root of a seed.
    init(bip39Seed seed: SecretBytes) throws(AccountKeyError) {
        let digest = Self.hmac(key: SecretBytes(Array("Bitcoin seed".utf8)), message: seed)
        try self.init(key: digest.slice(0..<32), chainCode: digest.slice(32..<64))
    }

    private init(key: SecretBytes, chainCode: SecretBytes) throws(AccountKeyError) {
        guard Secp256k1.publicKey(of: key) != nil else { throw Self.unlucky }
        self.key = key
        self.chainCode = chainCode
    }

    /// The key at the end of `m/44'/60'/…`.
    ///
    /// - Throws: `.malformedDerivation`.
    func derived(path: String) throws(AccountKeyError) -> SecretBytes {
        let malformed = AccountKeyError(
            .malformedDerivation, "a BIP32 path is not m and numbers, like m/44'/60'/0'/0/0")
        guard path.utf8.count <= AccountKeyLimits.secretURIBytesMax else { throw malformed }
        let steps = path.split(separator: "/", omittingEmptySubsequences: false)
        guard steps.first == "m", steps.count <= 1 + AccountKeyLimits.junctionsMax else { throw malformed }
        var secret = self
        for step in steps.dropFirst() {
            let isHard = step.hasSuffix("'") || step.hasSuffix("h")
            let digits = isHard ? step.dropLast() : step
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let index = UInt32(digits),
                index < 1 << 31
            else { throw malformed }
            secret = try secret.child(isHard ? index | 1 << 31 : index)
        }
        return secret.key
    }

    private func child(_ index: UInt32) throws(AccountKeyError) -> ExtendedSecret {
        let suffix = (0..<4).reversed().map { UInt8(truncatingIfNeeded: index >> (8 * UInt32($0))) }
        let message: SecretBytes
        if index >> 31 == 1 {
            message = SecretBytes(count: 37) { message in
                key.withPointer { (message + 1).update(from: $0, count: 32) }
                for (offset, byte) in suffix.enumerated() { message[33 + offset] = byte }
            }
        } else {
            guard let point = Secp256k1.publicKey(of: key) else { throw Self.unlucky }
            message = SecretBytes(point + suffix)
        }
        let digest = Self.hmac(key: chainCode, message: message)
        guard let sum = Secp256k1.add(digest, to: key) else { throw Self.unlucky }
        return try ExtendedSecret(key: sum, chainCode: digest.slice(32..<64))
    }

    private static let unlucky = AccountKeyError(
        .cryptography, "a BIP32 step leads to no key, which one in 2^127 does")

    /// HMAC-SHA512.
    private static func hmac(key: SecretBytes, message: SecretBytes) -> SecretBytes {
        SecretBytes(count: 64) { digest in
            var state = crypto_auth_hmacsha512_state()
            key.withPointer { _ = crypto_auth_hmacsha512_init(&state, $0, key.count) }
            message.withPointer { _ = crypto_auth_hmacsha512_update(&state, $0, UInt64(message.count)) }
            crypto_auth_hmacsha512_final(&state, digest)
            sodium_memzero(&state, MemoryLayout.size(ofValue: state))
        }
    }
}
