internal import Foundation
internal import Testing

/// The vectors that `Interop/vectors/identity_vectors.py` makes.
struct MultiformatsVectors: Decodable {
    struct VarintVector: Decodable {
        let value: String
        let hex: String
    }
    struct TextVector: Decodable {
        let base: String?
        let hex: String
        let text: String
    }
    struct MultihashVector: Decodable {
        let code: UInt64
        let digest: String
        let hex: String
    }

    let varints: [VarintVector]
    let base58: [TextVector]
    let multibase: [TextVector]
    let multihash: [MultihashVector]

    static func load() throws -> MultiformatsVectors {
        let file = try #require(
            Bundle.module.url(forResource: "multiformats", withExtension: "json", subdirectory: "Fixtures"))
        return try JSONDecoder().decode(MultiformatsVectors.self, from: Data(contentsOf: file))
    }
}

/// The bytes that hexadecimal text stands for.
func bytes(hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
