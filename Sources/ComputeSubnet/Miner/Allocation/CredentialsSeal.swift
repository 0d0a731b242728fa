internal import CryptoExtras

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Encrypts credentials to the RSA key of a request: RSAES-OAEP with SHA-256 and an empty label, one block,
/// base64.
struct CredentialsSeal {
    /// Larger keys cost the miner time for nothing.
    private static let bitsMax = 8192

    private let key: _RSA.Encryption.PublicKey

    /// Takes a PEM SubjectPublicKeyInfo key of 2048 to 8192 bits.
    ///
    /// - Throws: `malformedRequest`.
    init(pem: String) throws(ComputeError) {
        guard pem.utf8.count <= AllocateRequest.publicKeyBytesMax,
            let key = try? _RSA.Encryption.PublicKey(pemRepresentation: pem),
            (2048...Self.bitsMax).contains(key.keySizeInBits)
        else {
            throw ComputeError(
                .malformedRequest, "public_key is no RSA key of 2048 to \(Self.bitsMax) bits in PEM form.")
        }
        self.key = key
    }

    /// The member `info` of an answer.
    ///
    /// - Throws: `failed` when the credentials have more than 190 bytes, what a key of 2048 bits can hold.
    func sealed(_ credentials: LeaseCredentials) throws(ComputeError) -> String {
        let plain = try credentials.encoded()
        do {
            return try key.encrypt(Data(plain), padding: .PKCS1_OAEP_SHA256).base64EncodedString()
        } catch {
            throw ComputeError(.failed, "The credentials cannot be encrypted.", cause: error)
        }
    }
}
