/// The little of DER that key files need: definite lengths, minimal, no tag above 30.
///
/// - Source: <https://www.itu.int/rec/T-REC-X.690>
struct DERReader {
    private let bytes: ArraySlice<UInt8>
    private var index: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.index = bytes.startIndex
    }

    var isAtEnd: Bool { index == bytes.endIndex }

    /// The tag of the next element, or nil at the end.
    var nextTag: UInt8? { isAtEnd ? nil : bytes[index] }

    /// The content of the next element, which must have `tag`; nil where it does not stand there whole.
    mutating func element(_ tag: UInt8) -> ArraySlice<UInt8>? {
        let rest = bytes[index...]
        guard rest.count >= 2, rest.first == tag else { return nil }
        let first = Int(bytes[index + 1])
        var start = index + 2
        var length = first
        if first >= 0x80 {
            let count = first & 0x7f
            guard (1...3).contains(count), rest.count >= 2 + count, bytes[start] != 0 else { return nil }
            length = 0
            for byte in bytes[start..<start + count] { length = length << 8 | Int(byte) }
            guard length >= 0x80 else { return nil }
            start += count
        }
        guard length <= bytes.endIndex - start else { return nil }
        index = start + length
        return bytes[start..<start + length]
    }
}

/// The two wrappings of private keys that are read: PKCS#8 around PKCS#1 or SEC1, and SEC1 itself.
enum PrivateKeyDER {
    /// `rsaEncryption` with its NULL parameter.
    private static let rsaAlgorithm: [UInt8] = [
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ]
    /// `id-ecPublicKey` with the parameter `prime256v1`.
    private static let p256Algorithm: [UInt8] =
        [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] + p256Curve
    /// `prime256v1`.
    private static let p256Curve: [UInt8] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]

    /// The RSAPrivateKey inside PKCS#8, or nil where `data` is not PKCS#8 for RSA.
    static func unwrappedRSA(_ data: [UInt8]) -> [UInt8]? {
        unwrapped(data, algorithm: rsaAlgorithm)
    }

    private static func unwrapped(_ data: [UInt8], algorithm: [UInt8]) -> [UInt8]? {
        var outer = DERReader(data[...])
        guard let content = outer.element(0x30), outer.isAtEnd else { return nil }
        var reader = DERReader(content)
        guard reader.element(0x02)?.elementsEqual([0]) == true,
            reader.element(0x30)?.elementsEqual(algorithm) == true,
            let key = reader.element(0x04), reader.isAtEnd
        else { return nil }
        return Array(key)
    }

    /// A P-256 private key as SEC1 holds it.
    struct P256Parts {
        /// The secret number, 32 bytes.
        let scalar: [UInt8]
        /// The public point, uncompressed, 65 bytes, where the file holds it.
        let point: [UInt8]?
    }

    /// The parts of a P-256 key in SEC1, bare or inside PKCS#8; nil where `data` is neither.
    static func p256(_ data: [UInt8]) -> P256Parts? {
        let inner = unwrapped(data, algorithm: p256Algorithm)
        var outer = DERReader((inner ?? data)[...])
        guard let content = outer.element(0x30), outer.isAtEnd else { return nil }
        var reader = DERReader(content)
        guard reader.element(0x02)?.elementsEqual([1]) == true,
            let scalar = reader.element(0x04), scalar.count == 32
        else { return nil }
        if reader.nextTag == 0xa0 {
            guard reader.element(0xa0)?.elementsEqual(p256Curve) == true else { return nil }
        } else if inner == nil {
            // Without the wrapping only this field names the curve.
            return nil
        }
        guard reader.nextTag == 0xa1 else {
            return reader.isAtEnd ? P256Parts(scalar: Array(scalar), point: nil) : nil
        }
        guard let tagged = reader.element(0xa1), reader.isAtEnd else { return nil }
        var pointReader = DERReader(tagged)
        // A bit string starts with the number of bits unused in its last byte: none.
        guard let bits = pointReader.element(0x03), pointReader.isAtEnd, bits.first == 0 else { return nil }
        return P256Parts(scalar: Array(scalar), point: Array(bits.dropFirst()))
    }

    /// SEC1 with curve and point, the form that Go writes and the spec's figure shows, 121 bytes.
    static func sec1(scalar: [UInt8], point: [UInt8]) -> [UInt8] {
        [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20] + scalar + [0xa0, 0x0a] + p256Curve
            + [0xa1, 0x44, 0x03, 0x42, 0x00] + point
    }
}
