internal import CSodium

/// Bytes that are erased when the last reference to them goes.
///
/// Their memory is no Swift array, so that no copy is made behind the owner's back. It is not locked: a
/// machine that swaps should encrypt its swap.
///
/// `@unchecked Sendable`: the bytes are written in `init` and only read from then on, until `deinit`.
public final class SecretBytes: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
    /// How the memory goes back after it was erased; a test looks at it there.
    package typealias Release = @Sendable (UnsafeMutableBufferPointer<UInt8>) -> Void

    /// How many bytes there are.
    public let count: Int
    private let start: UnsafeMutablePointer<UInt8>
    private let release: Release

    /// Copies `bytes`; the caller's array is the caller's to forget.
    public convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { start in
            for (index, byte) in bytes.enumerated() { start[index] = byte }
        }
    }

    /// Copies `bytes`.
    package convenience init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.init(count: bytes.count) { start in
            for (index, byte) in bytes.enumerated() { start[index] = byte }
        }
    }

    /// Makes `count` zero bytes and lets `body` write them.
    package init<Failure: Error>(
        count: Int,
        release: @escaping Release = { $0.deallocate() },
        _ body: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        self.count = max(0, count)
        // Never empty, so that there is always a place to point at.
        start = .allocate(capacity: max(1, count))
        start.initialize(repeating: 0, count: max(1, count))
        self.release = release
        try body(start)
    }

    deinit {
        sodium_memzero(start, max(1, count))
        release(UnsafeMutableBufferPointer(start: start, count: max(1, count)))
    }

    /// Lends the bytes; what `body` copies is not erased.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The buffer must outlive the body even when this was the last use of the object.
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeBufferPointer(start: start, count: count))
    }

    /// Lends the place of the first byte, for libraries in C.
    func withPointer<Result, Failure: Error>(
        _ body: (UnsafePointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafePointer(start))
    }

    /// A part of the bytes as a secret of its own.
    package func slice(_ range: Range<Int>) -> SecretBytes {
        let range = range.clamped(to: 0..<count)
        return SecretBytes(UnsafeBufferPointer(start: start + range.lowerBound, count: range.count))
    }

    /// Whether both hold the same bytes, in a time that depends on the length alone.
    package func isEqual(to other: SecretBytes) -> Bool {
        count == other.count && sodium_memcmp(start, other.start, count) == 0
    }

    /// Never the bytes.
    public var description: String { "secret of \(count) bytes" }
    /// A mirror without the bytes, for `dump` and the debugger.
    public var customMirror: Mirror { Mirror(self, children: ["count": count]) }
}
