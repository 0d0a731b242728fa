internal import CSodium

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// An account that Polkadot-JS exported, version 3: JSON around a box of XSalsa20-Poly1305 whose key is
/// scrypt's.
package struct PolkadotKeyfile: Sendable {
    /// The JSON; members that do not matter are left out.
    private struct Members: Decodable {
        struct Encoding: Decodable {
            let content: [String]
            let type: [String]
            let version: String
        }

        let encoded: String
        let encoding: Encoding
        let address: String?
    }

    /// Before the secret in PKCS #8, and between it and the public key; both fixed by Polkadot-JS.
    private static let header: [UInt8] = [48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]
    private static let divider: [UInt8] = [161, 35, 3, 33, 0]
    private static let headBytes = 32 + 3 * 4 + 24
    private static let plainBytes = header.count + 64 + divider.count + 32

    let scheme: KeyScheme
    /// Whether a password is needed.
    let isSealed: Bool
    private let encoded: SecretBytes
    private let account: AccountID?

    /// Reads the frame; nil where the bytes are not JSON of this kind.
    ///
    /// - Throws: `.keyfileInvalid` where they are, and of another version or broken.
    init?(_ file: SecretBytes) throws(AccountKeyError) {
        let members = file.withUnsafeBytes { bytes -> Members? in
            guard let start = bytes.baseAddress, bytes.contains(0x7b) else { return nil }
            // Lent and not copied; decoding ends before the bytes do.
            let data = Data(
                bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: bytes.count, deallocator: .none)
            return try? JSONDecoder().decode(Members.self, from: data)
        }
        guard let members else { return nil }
        let encoding = members.encoding
        guard encoding.version == "3", encoding.content.count == 2, encoding.content[0] == "pkcs8",
            let scheme = KeyScheme(name: encoding.content[1]), scheme != .ecdsa,
            let encoded = Data(base64Encoded: members.encoded)
        else {
            throw AccountKeyError(
                .keyfileInvalid, "a Polkadot-JS file is not of version 3, or not of sr25519 or ed25519")
        }
        switch encoding.type {
        case ["scrypt", "xsalsa20-poly1305"]: isSealed = true
        case ["none"]: isSealed = false
        default: throw AccountKeyError(.keyfileInvalid, "a Polkadot-JS file is sealed in an unknown way")
        }
        let count =
            isSealed ? Self.headBytes + Int(crypto_secretbox_MACBYTES) + Self.plainBytes : Self.plainBytes
        guard encoded.count == count else {
            throw AccountKeyError(
                .keyfileInvalid, "a Polkadot-JS file holds another number of bytes than a key")
        }
        self.scheme = scheme
        self.encoded = SecretBytes(Array(encoded))
        if let address = members.address {
            account = try AccountID(ss58AnyPrefix: address)
        } else {
            account = nil
        }
    }

    /// Opens the box.
    ///
    /// - Throws: `.passwordRequired`, `.passwordWrong`, `.keyfileInvalid`, `.keyMismatch`, `.limitExceeded`.
    func open(password: SecretBytes?) throws(AccountKeyError) -> KeyfileContents {
        let plain = isSealed ? try opened(password) : encoded
        let secretEnd = Self.header.count + 64
        let (hasFrame, point) = plain.withUnsafeBytes { bytes in
            (
                bytes.starts(with: Self.header)
                    && bytes[secretEnd..<secretEnd + Self.divider.count].elementsEqual(Self.divider),
                Array(bytes[(secretEnd + Self.divider.count)...])
            )
        }
        guard hasFrame else {
            throw AccountKeyError(.keyfileInvalid, "a Polkadot-JS file holds no PKCS #8 key")
        }
        var secret = plain.slice(Self.header.count..<secretEnd)
        // Polkadot-JS keeps the scalar as Ed25519 does: times eight.
        if scheme == .sr25519 { secret = Keypair.dividedByCofactor(secret) }
        let pair = try Keypair(privateKey: secret, scheme: scheme)
        guard pair.publicKey.bytes == point, account == nil || account == pair.accountID else {
            throw AccountKeyError(
                .keyMismatch,
                "the secret in a Polkadot-JS file stands beside a public key that is not its own")
        }
        return try KeyfileContents(pair)
    }

    private func opened(_ password: SecretBytes?) throws(AccountKeyError) -> SecretBytes {
        guard let password, password.count > 0 else {
            throw AccountKeyError(.passwordRequired, "a Polkadot-JS file is sealed and no password was given")
        }
        let head = encoded.slice(0..<Self.headBytes).withUnsafeBytes { Array($0) }
        func number(_ index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(head[32 + 4 * index + $1]) << (8 * UInt32($1)) }
        }
        let key = try PasswordHash.scrypt(
            password: password, salt: Array(head[..<32]), n: number(0), r: number(2), p: number(1))
        let nonce = Array(head[44...])
        var isOpen = false
        let plain = SecretBytes(count: Self.plainBytes) { plain in
            key.withPointer { key in
                encoded.withPointer { encoded in
                    isOpen =
                        crypto_secretbox_open_easy(
                            plain, encoded + Self.headBytes, UInt64(self.encoded.count - Self.headBytes),
                            nonce, key) == 0
                }
            }
        }
        guard isOpen else { throw .wrongPassword }
        return plain
    }
}
