/// Which stream ids the peer has used: none may be opened twice.
///
/// A peer that opens streams from several threads may send their SYNs slightly out of order (go-yamux does),
/// so a skipped id stays good while it is among the last 1,024 below the highest one; older ones count as
/// used.
struct YamuxInboundIDs {
    /// How many ids below the highest can still be opened out of order.
    static let reorderingMax: UInt32 = 1024

    /// The highest id in use, as a count of the peer's ids: (id + 1) / 2.
    private var highest: UInt32 = 0
    /// One bit for each of the last `reorderingMax` ids, by ordinal modulo that.
    private var used = ContiguousArray<UInt64>(repeating: 0, count: Int(reorderingMax / 64))

    /// Uses an id of the peer's parity for a new stream; false if it was used before, or may have been.
    mutating func take(_ id: UInt32) -> Bool {
        let ordinal = Self.ordinal(id)
        if ordinal > highest {
            let gap = ordinal - highest
            if gap >= Self.reorderingMax {
                for index in used.indices { used[index] = 0 }
            } else {
                for skipped in highest + 1..<ordinal { clear(skipped) }
            }
            highest = ordinal
            set(ordinal)
            return true
        }
        guard highest - ordinal < Self.reorderingMax, !isSet(ordinal) else { return false }
        set(ordinal)
        return true
    }

    /// Whether a stream with this id of the peer's parity was opened before.
    func wasUsed(_ id: UInt32) -> Bool {
        let ordinal = Self.ordinal(id)
        if ordinal > highest { return false }
        return highest - ordinal >= Self.reorderingMax || isSet(ordinal)
    }

    private static func ordinal(_ id: UInt32) -> UInt32 {
        // 1, 3, 5 and 2, 4, 6 both become 1, 2, 3.
        id / 2 + (id & 1)
    }

    private func isSet(_ ordinal: UInt32) -> Bool {
        let bit = ordinal % Self.reorderingMax
        return used[Int(bit / 64)] & (1 << UInt64(bit % 64)) != 0
    }

    private mutating func set(_ ordinal: UInt32) {
        let bit = ordinal % Self.reorderingMax
        used[Int(bit / 64)] |= 1 << UInt64(bit % 64)
    }

    private mutating func clear(_ ordinal: UInt32) {
        let bit = ordinal % Self.reorderingMax
        used[Int(bit / 64)] &= ~(1 << UInt64(bit % 64))
    }
}
