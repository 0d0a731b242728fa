import CryptoExtras
import Foundation
import Testing

@testable import ComputeSubnet

/// The RSA key of the vectors.
enum TestRSA {
    struct Vector: Decodable, Sendable {
        var privatePEM: String
        var publicPEM: String
        var plaintext: String
        var ciphertext: String
        var plaintextBytesMax: Int

        enum CodingKeys: String, CodingKey {
            case privatePEM = "private_pem_pkcs8", publicPEM = "public_pem_spki", plaintext = "plaintext_json"
            case ciphertext = "ciphertext_b64", plaintextBytesMax = "max_plaintext_bytes"
        }
    }

    static let vector: Vector = {
        let url = Bundle.module.url(forResource: "rsa_oaep", withExtension: "json", subdirectory: "Fixtures")
        guard let url, let data = try? Data(contentsOf: url),
            let vector = try? JSONDecoder().decode(Vector.self, from: data)
        else { fatalError("the fixture rsa_oaep.json is missing") }
        return vector
    }()

    static var publicKey: String { vector.publicPEM }

    static func decrypted(_ base64: String) throws -> [UInt8] {
        let key = try _RSA.Encryption.PrivateKey(pemRepresentation: vector.privatePEM)
        let data = try #require(Data(base64Encoded: base64))
        return Array(try key.decrypt(data, padding: .PKCS1_OAEP_SHA256))
    }
}

@Suite("Credentials of a lease")
struct CredentialsSealTests {
    @Test func theVectorDecrypts() throws {
        let plain = try TestRSA.decrypted(TestRSA.vector.ciphertext)
        #expect(String(decoding: plain, as: UTF8.self) == TestRSA.vector.plaintext)
        let credentials = try LeaseCredentials(plain)
        #expect(credentials.username == "root" && credentials.port == 4444 && credentials.version == 183)
    }

    @Test func whatIsSealedOpens() throws {
        let credentials = LeaseCredentials(
            username: "tenant", password: "", port: 65535, version: 183, hostKey: SSHHostKey().fingerprint)
        let sealed = try CredentialsSeal(pem: TestRSA.publicKey).sealed(credentials)
        #expect(sealed.count == 344)
        #expect(try LeaseCredentials(TestRSA.decrypted(sealed)) == credentials)
        let again = try CredentialsSeal(pem: TestRSA.publicKey).sealed(credentials)
        #expect(again != sealed, "the padding is random")
    }

    /// 190 bytes fit into one block of a key of 2048 bits, 191 do not.
    @Test func theBoundIsThatOfOneBlock() throws {
        let seal = try CredentialsSeal(pem: TestRSA.publicKey)
        func credentials(bytes: Int) throws -> LeaseCredentials {
            var all = LeaseCredentials(username: "tenant", password: "", port: 4444, version: 183)
            all.password = String(repeating: "x", count: bytes - (try all.encoded().count))
            return all
        }
        let bound = TestRSA.vector.plaintextBytesMax
        #expect(try TestRSA.decrypted(seal.sealed(credentials(bytes: bound))).count == bound)
        #expect(throws: ComputeError.self) { try seal.sealed(credentials(bytes: bound + 1)) }
    }

    @Test(arguments: ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", weak, ed25519])
    func otherKeysAreRefused(pem: String) {
        let error = #expect(throws: ComputeError.self) { _ = try CredentialsSeal(pem: pem) }
        #expect(error?.code == .malformedRequest)
    }

    /// RSA of 1024 bits.
    private static let weak = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDf3ODx8p9mQWvqkGvYOzqPUmbL
        1wgsYpYdFlZ5Sg3yC1m7Hr0XbSWQ3hI6m5r9V8gT0x5nY3sZJ1m8bE0mYJm3QkNh
        8Z0bH0x9Y0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b
        5c6d7e8f9QIDAQAB
        -----END PUBLIC KEY-----
        """
    private static let ed25519 = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
        -----END PUBLIC KEY-----
        """
}
