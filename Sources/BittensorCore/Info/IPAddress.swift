#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// An IP address as chain and wire know it: a number and the family that it belongs to.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 6, the `ip_type` of the chain.
    public let family: UInt8
    /// The address, its first byte the most significant one.
    public let value: UInt128

    /// An address from a number of the chain. `ip_type` says the family: Python's reading, which takes every
    /// number below 2³² for IPv4, turns `::1` into `0.0.0.1`.
    ///
    /// Returns `nil` for another family than 4 and 6, and for a number beyond 32 bits in family 4.
    public init?(value: UInt128, family: UInt8) {
        guard family == 6 || (family == 4 && value <= UInt128(UInt32.max)) else { return nil }
        self.value = value
        self.family = family
    }

    /// An address from text, dotted or with colons; `nil` for anything else.
    public init?(_ text: String) {
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        let isSix = text.utf8.contains(UInt8(ascii: ":"))
        var bytes = [UInt8](repeating: 0, count: isSix ? 16 : 4)
        let result = bytes.withUnsafeMutableBytes {
            inet_pton(isSix ? AF_INET6 : AF_INET, text, $0.baseAddress)
        }
        guard result == 1 else { return nil }
        self.family = isSix ? 6 : 4
        self.value = bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// The bytes, 4 or 16, the most significant first.
    public var bytes: [UInt8] {
        let count = self.family == 6 ? 16 : 4
        return (0..<count).map { UInt8(truncatingIfNeeded: self.value >> (8 * (count - 1 - $0))) }
    }

    /// `192.0.2.1`, `2001:db8::1`.
    public var text: String {
        var buffer = [CChar](repeating: 0, count: 64)
        let bytes = self.bytes
        let isWritten = bytes.withUnsafeBytes {
            inet_ntop(self.family == 6 ? AF_INET6 : AF_INET, $0.baseAddress, &buffer, socklen_t(buffer.count))
                != nil
        }
        guard isWritten else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// `/ipv4/192.0.2.1:8091`.
    public func text(port: Int) -> String { "/ipv\(self.family)/\(self.text):\(port)" }

    public var description: String { self.text }
}
