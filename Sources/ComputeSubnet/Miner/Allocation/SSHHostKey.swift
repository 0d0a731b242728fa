internal import Crypto

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The host key of one lease: Ed25519, made for it and gone with it.
///
/// Its fingerprint goes to the tenant with the credentials, encrypted, so that the tenant's client can insist
/// on it.
struct SSHHostKey: Sendable {
    /// `SHA256:` and 43 characters of base64, as `ssh-keygen -l` prints it.
    let fingerprint: String
    /// The private key in OpenSSH's own format, as the server reads it. It is secret.
    let privateFile: [UInt8]

    /// A fresh key.
    init() {
        let key = Curve25519.Signing.PrivateKey()
        var generator = SystemRandomNumberGenerator()
        self.init(key, check: UInt32.random(in: 0 ... .max, using: &generator))
    }

    /// The files of a key. `check` is any number; readers compare its two copies.
    init(_ key: Curve25519.Signing.PrivateKey, check: UInt32) {
        let type = Array("ssh-ed25519".utf8)
        let publicKey = Array(key.publicKey.rawRepresentation)
        let blob = Self.field(type) + Self.field(publicKey)
        let digest = Data(SHA256.hash(data: blob)).base64EncodedString()
        fingerprint = "SHA256:" + digest.prefix { $0 != "=" }

        // PROTOCOL.key of OpenSSH: magic, cipher none, kdf none, one key, its public blob, its private
        // section padded to 8 bytes with 1, 2, 3 …
        let number = withUnsafeBytes(of: check.bigEndian) { Array($0) }
        var secret = number + number + blob + Self.field(Array(key.rawRepresentation) + publicKey)
        secret += Self.field(Array("lease".utf8))
        var pad: UInt8 = 1
        while secret.count % 8 != 0 {
            secret.append(pad)
            pad += 1
        }
        var whole = Array("openssh-key-v1\u{0}".utf8)
        whole += Self.field(Array("none".utf8)) + Self.field(Array("none".utf8)) + Self.field([])
        whole += [0, 0, 0, 1] + Self.field(blob) + Self.field(secret)
        let encoded = Array(Data(whole).base64EncodedString().utf8)
        var lines = Array("-----BEGIN OPENSSH PRIVATE KEY-----\n".utf8)
        for start in stride(from: 0, to: encoded.count, by: 70) {
            lines += encoded[start..<min(start + 70, encoded.count)] + [UInt8(ascii: "\n")]
        }
        privateFile = lines + Array("-----END OPENSSH PRIVATE KEY-----\n".utf8)
    }

    private static func field(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
    }
}
