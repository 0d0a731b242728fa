internal import Crypto

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Encrypts secrets at rest: ChaCha20-Poly1305 with a random key that lies beside the database, in a file of
/// its own with mode 0600.
///
/// A copy of the database alone, as backups and bug reports have it, tells no secret. Whoever can read the
/// key file too is the operator.
package struct SealedSecrets: Sendable {
    /// The name of the key file.
    package static let fileName = "secrets.key"

    private let key: SymmetricKey

    /// Reads the key of a data directory, and makes one where there is none. Blocking.
    ///
    /// - Throws: ``ComputeError`` with `storage`.
    package init(directory: String) throws(ComputeError) {
        try PrivateFile.makeDirectory(directory)
        let path = "\(directory)/\(Self.fileName)"
        if try PrivateFile.read(path, bytesMax: 32) == nil {
            let fresh = SymmetricKey(size: .bits256)
            // Another process may be faster: what lies in the file then is what counts.
            _ = try PrivateFile.create(path, fresh.withUnsafeBytes { Array($0) })
        }
        guard let bytes = try PrivateFile.read(path, bytesMax: 32), bytes.count == 32 else {
            throw ComputeError(.storage, "\(path) is not a key of 32 bytes.")
        }
        self.key = SymmetricKey(data: bytes)
    }

    /// Encrypts; the same `context` must be given to open it again, so that a sealed secret cannot be moved
    /// to another row.
    ///
    /// - Throws: ``ComputeError`` with `storage`.
    package func seal(_ secret: [UInt8], context: String) throws(ComputeError) -> [UInt8] {
        do {
            let box = try ChaChaPoly.seal(secret, using: self.key, authenticating: Array(context.utf8))
            return Array(box.combined)
        } catch {
            throw ComputeError(.storage, "A secret cannot be sealed.", cause: error)
        }
    }

    /// Decrypts what ``seal(_:context:)`` gave.
    ///
    /// - Throws: ``ComputeError`` with `storage` when it was changed, moved, or sealed with another key.
    package func open(_ sealed: [UInt8], context: String) throws(ComputeError) -> [UInt8] {
        do {
            let box = try ChaChaPoly.SealedBox(combined: sealed)
            return Array(try ChaChaPoly.open(box, using: self.key, authenticating: Array(context.utf8)))
        } catch {
            throw ComputeError(
                .storage, "A sealed secret does not belong to this data directory, or was changed.",
                cause: error)
        }
    }
}
