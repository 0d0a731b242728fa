internal import CryptoExtras

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The RSA key pair of one request for a lease: the miner encrypts the credentials with it.
///
/// RSA-2048, RSAES-OAEP with SHA-256, one block. The pair lives as long as the request.
package struct CredentialKeys: Sendable {
    /// DER, since the key itself must not leave the thread that made it.
    private let key: Data
    /// The public half, PEM SubjectPublicKeyInfo, as requests carry it.
    package let publicKey: String

    /// A new pair. Takes some tenths of a second of a CPU: not for event loops.
    ///
    /// - Throws: ``ComputeError`` with `failed`.
    package init() throws(ComputeError) {
        do {
            self.init(try _RSA.Encryption.PrivateKey(keySize: .bits2048))
        } catch {
            throw ComputeError(.failed, "No RSA key could be made.", cause: error)
        }
    }

    /// The pair of a private key in PEM.
    ///
    /// - Throws: ``ComputeError`` with `failed`.
    package init(pem: String) throws(ComputeError) {
        do {
            self.init(try _RSA.Encryption.PrivateKey(pemRepresentation: pem))
        } catch {
            throw ComputeError(.failed, "The RSA key cannot be read.", cause: error)
        }
    }

    private init(_ key: _RSA.Encryption.PrivateKey) {
        self.key = key.derRepresentation
        self.publicKey = key.publicKey.pemRepresentation + "\n"
    }

    /// The credentials in the member `info` of an answer.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest` when it was not encrypted for this key.
    package func credentials(info: String) throws(ComputeError) -> LeaseCredentials {
        // 344 characters hold one block of 2048 bits; a little more for the sake of other sizes.
        guard info.utf8.count <= 1024, let sealed = Data(base64Encoded: info) else {
            throw ComputeError(.malformedRequest, "info is not base64.")
        }
        let opened: Data
        do {
            let key = try _RSA.Encryption.PrivateKey(derRepresentation: self.key)
            opened = try key.decrypt(sealed, padding: .PKCS1_OAEP_SHA256)
        } catch {
            throw ComputeError(
                .malformedRequest, "info is not encrypted with the key of the request.", cause: error)
        }
        return try LeaseCredentials(Array(opened))
    }
}
