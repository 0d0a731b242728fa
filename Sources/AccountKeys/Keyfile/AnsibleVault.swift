internal import Crypto
internal import CryptoExtras

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The ansible-vault form, version 1.1: AES-256-CTR and HMAC-SHA256 with keys of PBKDF2.
///
/// Below the first line stand hexadecimal digits of three lines that are hexadecimal themselves: salt, MAC,
/// ciphertext.
package struct AnsibleVault: Sendable {
    static let prefix = "$ANSIBLE_VAULT"
    private static let firstLine = "$ANSIBLE_VAULT;1.1;AES256"

    let salt: [UInt8]
    let mac: [UInt8]
    let ciphertext: [UInt8]

    /// Reads the text of a vault.
    ///
    /// - Throws: `.keyfileInvalid`.
    package init(_ file: [UInt8]) throws(AccountKeyError) {
        let malformed = AccountKeyError(
            .keyfileInvalid, "a keyfile is no ansible-vault of version 1.1, AES256")
        let lines = file.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d })
        guard let first = lines.first, first.elementsEqual(Self.firstLine.utf8),
            let inner = Hexadecimal.decode(Array(lines.dropFirst().joined()))
        else { throw malformed }
        let parts = inner.split(separator: 0x0a, omittingEmptySubsequences: false)
        guard parts.count == 3, let salt = Hexadecimal.decode(parts[0]),
            let mac = Hexadecimal.decode(parts[1]),
            let ciphertext = Hexadecimal.decode(parts[2]), (8...64).contains(salt.count), mac.count == 32,
            !ciphertext.isEmpty, ciphertext.count.isMultiple(of: 16)
        else { throw malformed }
        (self.salt, self.mac, self.ciphertext) = (salt, mac, ciphertext)
    }

    func open(password: SecretBytes, rounds: Int) throws(AccountKeyError) -> SecretBytes {
        let keys = try PasswordHash.pbkdf2(
            .sha256, password: password, salt: salt, rounds: rounds, count: 80)
        let macKey = keys.slice(32..<64).withUnsafeBytes { SymmetricKey(data: $0) }
        guard HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: ciphertext, using: macKey) else {
            throw .wrongPassword
        }
        do {
            let key = keys.slice(0..<32).withUnsafeBytes { SymmetricKey(data: $0) }
            let counter = keys.slice(64..<80).withUnsafeBytes { Array($0) }
            var padded = try AES._CTR.decrypt(
                ciphertext, using: key, nonce: AES._CTR.Nonce(nonceBytes: counter))
            defer { padded.erase() }
            guard let plain = PKCS7.unpadded(padded) else {
                throw AccountKeyError(.keyfileInvalid, "an ansible-vault is not padded as PKCS #7 says")
            }
            return plain
        } catch let error as AccountKeyError {
            throw error
        } catch {
            throw AccountKeyError(.cryptography, "AES could not be computed", cause: error)
        }
    }
}
