/// A way from one key to another: `//hard/soft//42`.
///
/// - Limits: ``AccountKeyLimits/junctionsMax`` steps in ``AccountKeyLimits/secretURIBytesMax`` bytes.
public struct DerivationPath: Sendable, Hashable, CustomStringConvertible {
    /// One step.
    struct Junction: Sendable, Hashable {
        /// Whether the step needs the secret; the public keys along a soft step can be told to belong
        /// together.
        let isHard: Bool
        /// 32 bytes that stand for the step's name.
        let chainCode: [UInt8]
    }

    /// The path as it was written.
    public let description: String
    let junctions: [Junction]

    /// Reads a path; empty text is the way to the key itself.
    ///
    /// - Throws: `.malformedDerivation`.
    public init(_ text: String) throws(AccountKeyError) {
        guard text.utf8.count <= AccountKeyLimits.secretURIBytesMax else {
            throw AccountKeyError(.malformedDerivation, "a derivation path is too long")
        }
        var junctions: [Junction] = []
        var rest = text.utf8[...]
        while !rest.isEmpty {
            let slashes = rest.prefix { $0 == 0x2f }.count
            rest = rest.dropFirst(slashes)
            let name = rest.prefix { $0 != 0x2f }
            rest = rest.dropFirst(name.count)
            guard (1...2).contains(slashes), !name.isEmpty else {
                throw AccountKeyError(
                    .malformedDerivation, "a derivation path is not steps like //hard or /soft")
            }
            guard junctions.count < AccountKeyLimits.junctionsMax else {
                throw AccountKeyError(.malformedDerivation, "a derivation path has too many steps")
            }
            junctions.append(Junction(isHard: slashes == 2, chainCode: Self.chainCode(Array(name))))
        }
        description = text
        self.junctions = junctions
    }

    /// A number of at most 64 bits in eight bytes, little-endian, else the name as SCALE writes a string;
    /// with zeros up to 32 bytes, or its BLAKE2b-256 where it is longer.
    private static func chainCode(_ name: [UInt8]) -> [UInt8] {
        let code: [UInt8]
        if let number = number(name) {
            code = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
        } else {
            code = SCALE.compact(name.count) + name
        }
        if code.count > 32 { return Blake2b.hash(code, count: 32) }
        return code + [UInt8](repeating: 0, count: 32 - code.count)
    }

    /// As Rust reads an unsigned number: digits, a plus before them perhaps.
    private static func number(_ name: [UInt8]) -> UInt64? {
        let digits = name.first == 0x2b ? name.dropFirst() : name[...]
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }
}
