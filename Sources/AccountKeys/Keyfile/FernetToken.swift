internal import Crypto
internal import CryptoExtras

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The Fernet form of the first wallets: AES-128-CBC and HMAC-SHA256 with a key of PBKDF2.
package struct FernetToken: Sendable {
    /// Version 0x80 and the top of a time of this age of the world, in base64.
    static let prefix = "gAAAAA"
    /// The wallet's, the same for all files.
    private static let salt = "Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins"

    /// What the MAC covers: version, time, IV and ciphertext.
    let signed: [UInt8]
    let mac: [UInt8]

    /// Reads a token.
    ///
    /// - Throws: `.keyfileInvalid`.
    package init(_ file: [UInt8]) throws(AccountKeyError) {
        let blanks: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
        let end = (file.lastIndex { !blanks.contains($0) } ?? -1) + 1
        let standard = file[..<end].map { byte -> UInt8 in
            switch byte {
            case 0x2d: 0x2b
            case 0x5f: 0x2f
            // The standard alphabet's own characters have no place in a token.
            case 0x2b, 0x2f: 0
            default: byte
            }
        }
        guard let bytes = Data(base64Encoded: Data(standard)).map(Array.init), bytes.first == 0x80,
            bytes.count >= 1 + 8 + 16 + 16 + 32, (bytes.count - 57).isMultiple(of: 16)
        else { throw AccountKeyError(.keyfileInvalid, "a keyfile is no Fernet token") }
        signed = Array(bytes.dropLast(32))
        mac = Array(bytes.suffix(32))
    }

    func open(password: SecretBytes, rounds: Int) throws(AccountKeyError) -> SecretBytes {
        try open(
            key: try PasswordHash.pbkdf2(
                .sha256, password: password, salt: Array(Self.salt.utf8), rounds: rounds, count: 32))
    }

    /// Opens the token with the key that PBKDF2 made.
    func open(key: SecretBytes) throws(AccountKeyError) -> SecretBytes {
        let macKey = key.slice(0..<16).withUnsafeBytes { SymmetricKey(data: $0) }
        guard HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: signed, using: macKey) else {
            throw .wrongPassword
        }
        do {
            let cipherKey = key.slice(16..<32).withUnsafeBytes { SymmetricKey(data: $0) }
            var padded = try AES._CBC.decrypt(
                signed[25...], using: cipherKey, iv: AES._CBC.IV(ivBytes: signed[9..<25]), noPadding: true)
            defer { padded.erase() }
            guard let plain = PKCS7.unpadded(padded) else {
                throw AccountKeyError(.keyfileInvalid, "a Fernet token is not padded as PKCS #7 says")
            }
            return plain
        } catch let error as AccountKeyError {
            throw error
        } catch {
            throw AccountKeyError(.cryptography, "AES could not be computed", cause: error)
        }
    }
}
