internal import CSodium

/// The part of STROBE-128 that Merlin uses: absorbing data and metadata, and squeezing pseudo-random bytes.
///
/// The state may hold secrets and is erased at the end of its life.
/// - Source: <https://strobe.sourceforge.io/specs/>, version 1.0.2; security 128, so the rate is 166.
struct Strobe128: ~Copyable {
    /// A state to begin from, of public data only.
    struct Snapshot: Sendable {
        fileprivate let lanes: [UInt64]
        fileprivate let position: Int
        fileprivate let beginning: Int
        fileprivate let flags: UInt8
    }

    private static let rate = 166
    private static let inbound: UInt8 = 1
    private static let application: UInt8 = 2
    private static let cipher: UInt8 = 4
    private static let metadata: UInt8 = 16
    private static let keyed: UInt8 = 32

    private let lanes: UnsafeMutablePointer<UInt64>
    private var position = 0
    private var beginning = 0
    private var flags: UInt8 = 0

    /// Starts a protocol.
    init(label: StaticString) {
        lanes = .allocate(capacity: KeccakF1600.laneCount)
        lanes.initialize(repeating: 0, count: KeccakF1600.laneCount)
        let start: [UInt8] = [1, UInt8(Self.rate + 2), 1, 0, 1, 96] + Array("STROBEv1.0.2".utf8)
        for (index, byte) in start.enumerated() { add(byte, at: index) }
        KeccakF1600.permute(lanes)
        addMetadata(label)
    }

    /// Goes on from a snapshot.
    init(_ snapshot: Snapshot) {
        lanes = .allocate(capacity: KeccakF1600.laneCount)
        lanes.initialize(repeating: 0, count: KeccakF1600.laneCount)
        for (index, lane) in snapshot.lanes.enumerated() { lanes[index] = lane }
        position = snapshot.position
        beginning = snapshot.beginning
        flags = snapshot.flags
    }

    deinit {
        sodium_memzero(lanes, KeccakF1600.laneCount * MemoryLayout<UInt64>.size)
        lanes.deallocate()
    }

    /// The state as it is; only for transcripts without secrets.
    var snapshot: Snapshot {
        Snapshot(
            lanes: (0..<KeccakF1600.laneCount).map { lanes[$0] }, position: position, beginning: beginning,
            flags: flags)
    }

    /// Absorbs a label.
    mutating func addMetadata(_ label: StaticString) {
        begin(Self.metadata | Self.application)
        label.withUTF8Buffer { absorb($0) }
    }

    /// Absorbs the length of what follows, as part of the label before it: four bytes, little-endian.
    mutating func continueMetadata(count: Int) {
        let count = UInt32(truncatingIfNeeded: count)
        for shift in [0, 8, 16, 24] as [UInt32] { absorb(UInt8(truncatingIfNeeded: count >> shift)) }
    }

    /// Absorbs data.
    mutating func addData(_ bytes: UnsafeBufferPointer<UInt8>) {
        begin(Self.application)
        absorb(bytes)
    }

    /// Squeezes bytes that depend on everything before.
    mutating func squeeze(into bytes: UnsafeMutableBufferPointer<UInt8>) {
        begin(Self.inbound | Self.application | Self.cipher)
        for index in bytes.indices {
            let shift = UInt64(8 * (position & 7))
            bytes[index] = UInt8(truncatingIfNeeded: lanes[position >> 3] >> shift)
            lanes[position >> 3] &= ~(0xff << shift)
            advance()
        }
    }

    private mutating func begin(_ operation: UInt8) {
        let old = beginning
        beginning = position + 1
        flags = operation
        absorb(UInt8(truncatingIfNeeded: old))
        absorb(operation)
        if operation & (Self.cipher | Self.keyed) != 0 && position != 0 { finishBlock() }
    }

    private mutating func absorb(_ bytes: UnsafeBufferPointer<UInt8>) {
        for byte in bytes { absorb(byte) }
    }

    private mutating func absorb(_ byte: UInt8) {
        add(byte, at: position)
        advance()
    }

    private mutating func advance() {
        position += 1
        if position == Self.rate { finishBlock() }
    }

    private mutating func finishBlock() {
        add(UInt8(truncatingIfNeeded: beginning), at: position)
        add(0x04, at: position + 1)
        add(0x80, at: Self.rate + 1)
        KeccakF1600.permute(lanes)
        position = 0
        beginning = 0
    }

    private func add(_ byte: UInt8, at index: Int) {
        lanes[index >> 3] ^= UInt64(byte) << UInt64(8 * (index & 7))
    }
}
