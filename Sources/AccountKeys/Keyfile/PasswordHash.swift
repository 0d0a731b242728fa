internal import CSodium
internal import Crypto
internal import CryptoExtras

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What makes keys out of passwords. Slow on purpose: call it where a thread may block.
enum PasswordHash {
    /// What Argon2 costs.
    struct Argon2Cost: Sendable, Hashable {
        /// Passes over the memory.
        let operations: Int
        /// Memory, in bytes.
        let memoryBytes: Int

        /// What Bittensor's wallet uses: 8 passes over 512 MiB, some two seconds.
        static let bittensor = Argon2Cost(operations: 8, memoryBytes: 512 * 1024 * 1024)
    }

    /// PBKDF2 with HMAC.
    ///
    /// - Throws: `.cryptography`.
    static func pbkdf2(
        _ hash: KDF.Insecure.PBKDF2.HashFunction,
        password: SecretBytes,
        salt: [UInt8],
        rounds: Int,
        count: Int
    ) throws(AccountKeyError) -> SecretBytes {
        do {
            let key = try password.withUnsafeBytes { password in
                try KDF.Insecure.PBKDF2.deriveKey(
                    from: password, salt: salt, using: hash, outputByteCount: count,
                    unsafeUncheckedRounds: rounds)
            }
            return SecretBytes(count: count) { bytes in
                key.withUnsafeBytes { key in
                    for index in 0..<min(count, key.count) { bytes[index] = key[index] }
                }
            }
        } catch {
            throw AccountKeyError(.cryptography, "PBKDF2 could not be computed", cause: error)
        }
    }

    /// Argon2i version 1.3 with one lane: 32 bytes.
    ///
    /// - Throws: `.cryptography` where there is too little memory.
    static func argon2i(
        password: SecretBytes,
        salt: [UInt8],
        cost: Argon2Cost
    ) throws(AccountKeyError) -> SecretBytes {
        try Sodium.start()
        var isDone = false
        let key = SecretBytes(count: 32) { key in
            isDone =
                salt.count == Int(crypto_pwhash_SALTBYTES)
                && password.withPointer { bytes in
                    bytes.withMemoryRebound(to: CChar.self, capacity: password.count) { start in
                        crypto_pwhash(
                            key, 32, start, UInt64(password.count), salt,
                            UInt64(cost.operations),
                            cost.memoryBytes, crypto_pwhash_ALG_ARGON2I13) == 0
                    }
                }
        }
        guard isDone else {
            throw AccountKeyError(
                .cryptography,
                "Argon2 could not be computed; it needs \(cost.memoryBytes / 1024 / 1024) MiB of free memory")
        }
        return key
    }

    /// scrypt: 32 bytes.
    ///
    /// - Throws: `.limitExceeded` where it would need more than ``AccountKeyLimits/scryptMemoryBytesMax``.
    static func scrypt(
        password: SecretBytes,
        salt: [UInt8],
        n: UInt32,
        r: UInt32,
        p: UInt32
    ) throws(AccountKeyError) -> SecretBytes {
        guard n >= 2, n.nonzeroBitCount == 1, (1...16).contains(r), (1...4).contains(p),
            UInt64(n) * UInt64(r) * 128 <= UInt64(AccountKeyLimits.scryptMemoryBytesMax)
        else {
            throw AccountKeyError(.limitExceeded, "a keyfile asks for scrypt with odd or huge parameters")
        }
        var isDone = false
        let key = SecretBytes(count: 32) { key in
            isDone = password.withPointer { bytes in
                crypto_pwhash_scryptsalsa208sha256_ll(
                    bytes, password.count, salt, salt.count, UInt64(n), r, p, key, 32) == 0
            }
        }
        guard isDone else { throw AccountKeyError(.cryptography, "scrypt could not be computed") }
        return key
    }
}
