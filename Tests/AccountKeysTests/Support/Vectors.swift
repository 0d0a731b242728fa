internal import Foundation
internal import Testing

@testable internal import AccountKeys

/// Reads a JSON file out of `Fixtures`.
func fixture<T: Decodable>(_ name: String, as type: T.Type = T.self) throws -> T {
    let url = Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Fixtures")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(T.self, from: Data(contentsOf: try #require(url)))
}

/// The bytes that hexadecimal text stands for, with or without `0x`.
func bytes(_ hex: String) throws -> [UInt8] { try #require(Hexadecimal.decodeMaybePrefixed(hex)) }

/// What `bittensor_wallet` 4.1.1 made of mnemonics, URIs and seeds (`keys.json`).
struct KeyVectors: Decodable {
    struct Phrase: Decodable {
        let name: String
        let mnemonic: String
        let cryptoType: UInt8
        let seed: String
        let privateKey: String
        let publicKey: String
        let ss58: String
    }
    struct URI: Decodable {
        let uri: String
        let cryptoType: UInt8
        let publicKey: String?
        let privateKey: String?
        let ss58: String?
        let error: String?
    }
    struct Seed: Decodable {
        let seed: String
        let cryptoType: UInt8
        let publicKey: String
        let privateKey: String
        let ss58: String
    }
    struct Imported: Decodable {
        let label: String
        let privateKey: String
        let publicKey: String
    }
    struct Acceptance: Decodable {
        let mnemonic: String
        let accepted: Bool
        let ss58: String?
    }
    struct Address: Decodable {
        let address: String
        let isValidSs58Address: Bool
        let keypairPublicKey: String?
        let keypairError: String?
    }

    let mnemonics: [Phrase]
    let uris: [URI]
    let seeds: [Seed]
    let privateKeyImport: [Imported]
    let mnemonicAcceptance: [Acceptance]
    let ss58: [Address]

    static func load() throws -> KeyVectors { try fixture("keys") }
}

/// Signatures of `bittensor_wallet` 4.1.1 (`signatures.json`).
struct SignatureVectors: Decodable {
    struct Positive: Decodable {
        let cryptoType: UInt8
        let publicKey: String
        let messageHex: String
        let signature: String
    }
    struct Case: Decodable {
        let label: String
        let publicKey: String
        let message: String
        let signature: String
        let verify: Bool?
        let error: String?
    }

    let positive: [Positive]
    let verifyCases: [Case]

    static func load() throws -> SignatureVectors { try fixture("signatures") }
}

/// Intermediate values of derivations and signatures (`sr25519-trace.json`).
struct TraceVectors: Decodable {
    struct Step: Decodable {
        let junction: String
        let chainCode: String
        let miniSecret: String?
    }
    struct Derivation: Decodable {
        let base: String
        let path: String
        let steps: [Step]
        let publicKey: String
        let secretScalarLe: String
    }
    struct Challenge: Decodable {
        let publicKey: String
        let messageHex: String
        let signature: String
        let challengeScalarLe: String
    }

    let derivationTraces: [Derivation]
    let signatureChallenges: [Challenge]

    static func load() throws -> TraceVectors { try fixture("sr25519-trace") }
}

/// Signatures with a known witness (`sr25519-fixed.json`).
struct FixedVectors: Decodable {
    struct Signature: Decodable {
        let miniSecret: String
        let secretScalarLe: String
        let nonceHalf: String
        let publicKey: String
        let message: String
        let witnessScalarRLe: String
        let R: String
        let challengeKLe: String
        let signature: String
    }

    let vectors: [Signature]

    static func load() throws -> FixedVectors { try fixture("sr25519-fixed") }
}

/// Addresses of scalecodec, substrate-interface and eth-account (`addresses.json`).
struct AddressVectors: Decodable {
    struct SS58Case: Decodable {
        let publicKey: String
        let ss58Format: UInt16
        let address: String
    }
    struct Key: Decodable {
        let uri: String
        let type: String
        let publicKey: String
        let ss5842: String
    }
    struct EthereumKey: Decodable {
        let name: String?
        let path: String?
        let privateKey: String?
        let h160Checksum: String?
    }
    struct EthereumKeys: Decodable {
        let mnemonic: String
        let keys: [EthereumKey]
    }
    struct Mapping: Decodable {
        let h160: String
        let subtensorEvmMappedAccountid32: String
        let ss5842: String
    }

    let ss58: [SS58Case]
    let substrateKeys: [Key]
    let ethereumKeys: EthereumKeys
    let hashedAddressMapping: [Mapping]

    static func load() throws -> AddressVectors { try fixture("addresses") }
}

/// Digests (`hashes.json`).
struct HashVectors: Decodable {
    struct Hash: Decodable {
        let input: String
        let keccak256: String
        let blake2256: String
        let blake2512: String
    }

    let hashes: [Hash]

    static func load() throws -> HashVectors { try fixture("hashes") }
}
