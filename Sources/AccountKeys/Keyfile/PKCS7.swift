#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Padding to blocks of 16 bytes; looked at only behind a MAC.
enum PKCS7 {
    static func unpadded(_ data: Data) -> SecretBytes? {
        guard let last = data.last, (1...16).contains(last), data.count >= Int(last),
            data.suffix(Int(last)).allSatisfy({ $0 == last })
        else { return nil }
        let count = data.count - Int(last)
        return SecretBytes(count: count) { plain in
            for (index, byte) in data.prefix(count).enumerated() { plain[index] = byte }
        }
    }
}

extension Data {
    /// Overwrites the bytes.
    mutating func erase() { resetBytes(in: startIndex..<endIndex) }
}
