internal import Crypto

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The hash by which a classic signature covers some fields of a body: SHA3-256 over the hexadecimal SHA3-256
/// digests of `str(value)` of each field, one after the other.
public enum BodyHash {
    /// The hash of no fields, which most synapses have: it protects nothing.
    public static let empty = BodyHash.hex(of: [])

    /// The hash of values, 64 lower-case hexadecimal digits.
    public static func hex(of values: [JSONValue]) -> String {
        self.digest(values.map { self.digest(PythonText.str($0)) }.joined())
    }

    /// SHA3-256 of a text.
    static func digest(_ text: String) -> String {
        Hex.text(Array(SHA3_256.hash(data: Data(text.utf8))))
    }
}
