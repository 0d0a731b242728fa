internal import Foundation
internal import Testing

@testable internal import AccountKeys

/// Files of `bittensor_wallet` 4.1.1 and bittensor 11 (`keyfiles.json`).
struct KeyfileVectors: Decodable {
    struct File: Decodable {
        let path: String
        let size: Int
        let base64: String
    }
    struct NaCl: Decodable {
        let password: String
        let base64: String
        let derivedKeyHex: String
        let plaintextUtf8: String
    }
    struct Vault: Decodable {
        let password: String
        let text: String
        let plaintextUtf8: String
    }
    struct Fernet: Decodable {
        let password: String
        let token: String
        let fernetKeyHex: String
        let plaintextUtf8: String
    }
    struct Polkadot: Decodable {
        let json: String
        let passphrase: String
        let importedSs58: String
    }
    struct Environment: Decodable {
        let path: String
        let envVarName: String
        let password: String
        let envValue: String
    }
    struct Version11: Decodable {
        struct Case: Decodable {
            let label: String
            let ss58: String?
            let cryptoType: UInt8?
            let error: String?
        }
        let naclBase64: String
        let password: String
        let plaintext: String
        let deserializeCases: [Case]
    }

    let mnemonic: String
    let password: String
    let files: [File]
    let nacl: NaCl
    let ansibleVault: Vault
    let legacyFernet: Fernet
    let polkadotjsV3: Polkadot
    let envPassword: Environment
    let v11: Version11

    static func load() throws -> KeyfileVectors { try fixture("keyfiles") }

    /// A reading of a keyfile's JSON by version 4.
    struct Reading {
        let label: String
        let keyfile: SecretBytes
        let ss58: String?
        let scheme: UInt8?
        let canSign: Bool?
    }

    /// The cases whose keyfile is JSON of any shape.
    static func readings() throws -> [Reading] {
        let url = Bundle.module.url(forResource: "keyfiles", withExtension: "json", subdirectory: "Fixtures")
        let data = try Data(contentsOf: #require(url))
        let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let cases = try #require(root["deserialize_cases"] as? [[String: Any]])
        return try cases.map { value in
            let keyfile =
                if let text = value["keyfile"] as? String {
                    Data(text.utf8)
                } else {
                    try JSONSerialization.data(withJSONObject: try #require(value["keyfile"]))
                }
            return Reading(
                label: try #require(value["label"] as? String), keyfile: SecretBytes(Array(keyfile)),
                ss58: value["ss58"] as? String, scheme: (value["crypto_type"] as? NSNumber)?.uint8Value,
                canSign: value["can_sign"] as? Bool)
        }
    }
}

extension SecretBytes {
    /// The bytes, for a test to look at.
    var revealed: [UInt8] { withUnsafeBytes { Array($0) } }
}
