internal import Foundation
internal import Testing

/// The vectors that `Interop/vectors/identity_vectors.py` makes.
struct IdentityVectors: Decodable {
    struct Signature: Decodable {
        let message: String
        let signature: String
    }
    struct Key: Decodable, CustomTestStringConvertible {
        let name: String
        let type: UInt8
        let `private`: String
        let `public`: String
        let peer_id_bytes: String
        let peer_id: String
        let peer_id_cid: String
        let peer_id_cid_base36: String
        let signatures: [Signature]
        var testDescription: String { name }
    }
    struct Address: Decodable {
        let text: String
        let hex: String
    }
    struct Record: Decodable {
        let name: String
        let `private`: String
        let peer_id: String
        let sequence: String
        let addresses: [String]
        let payload: String
        let envelope: String
    }

    let keys: [Key]
    let addresses: [Address]
    let records: [Record]

    static func load() throws -> IdentityVectors { try fixture("identity-vectors") }
}

/// The figures printed in the libp2p peer-ids specification.
struct SpecificationVectors: Decodable {
    struct Key: Decodable {
        let name: String
        let type: UInt8
        let `private`: String
        let `public`: String
    }

    let keys: [Key]
    let peer_ids: [String]

    static func load() throws -> SpecificationVectors { try fixture("peer-ids-spec") }
}

/// What the template's Python and the Go daemon inside hivemind made of the same keys.
struct HivemindVectors: Decodable {
    struct Identity: Decodable {
        let name: String
        let key_type: UInt8
        let identity_file_hex: String
        let python_peer_id: String
        let peer_id_bytes_hex: String
        let p2pd_peer_id: String?
    }

    let identities: [Identity]

    static func load() throws -> HivemindVectors { try fixture("hivemind-identity") }
}

/// Reads a JSON file out of `Fixtures`.
func fixture<T: Decodable>(_ name: String) throws -> T {
    let url = Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Fixtures")
    return try JSONDecoder().decode(T.self, from: Data(contentsOf: try #require(url)))
}

/// The bytes that hexadecimal text stands for.
func bytes(hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
