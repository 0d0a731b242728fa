package import NIOCore

/// Many deadlines behind one timer: a hashed timing wheel. Pure: time comes in, due values come out.
///
/// Adding and removing take constant time and, once the table has grown, no allocation. Time is cut into
/// ticks; a value is due at the first tick boundary at or after its deadline: never early, late by less than
/// a tick. A deadline further away than one turn of the wheel waits in its slot for its turn.
package struct DeadlineWheel<Value: Sendable>: Sendable {
    /// Names an entry; worthless once the entry is gone.
    package struct Token: Sendable, Hashable {
        fileprivate let index: Int32
        fileprivate let generation: UInt32

        /// The token as one number.
        package var number: UInt64 { UInt64(self.generation) << 32 | UInt64(UInt32(bitPattern: self.index)) }

        /// The token of a number that ``number`` gave.
        package init(number: UInt64) {
            self.index = Int32(truncatingIfNeeded: number)
            self.generation = UInt32(truncatingIfNeeded: number >> 32)
        }

        fileprivate init(index: Int32, generation: UInt32) {
            self.index = index
            self.generation = generation
        }
    }

    /// An entry of the table: linked into the list of its slot, or into the list of free entries.
    private struct Entry {
        var value: Value?
        var tick: UInt64 = 0
        var generation: UInt32 = 0
        var next: Int32 = -1
        var previous: Int32 = -1
    }

    private let tickNanoseconds: UInt64
    private var slots: [Int32]
    private var entries: [Entry] = []
    private var free: Int32 = -1
    /// The last tick whose slot has been emptied.
    private var passed: UInt64
    /// How many values wait.
    package private(set) var count = 0

    /// An empty wheel.
    ///
    /// - Parameters:
    ///   - tick: the precision.
    ///   - slots: ticks per turn, rounded up to a power of two.
    package init(tick: TimeAmount = .milliseconds(8), slots: Int = 4096, now: NIODeadline) {
        self.tickNanoseconds = UInt64(max(1, tick.nanoseconds))
        var size = 1
        while size < slots { size <<= 1 }
        self.slots = Array(repeating: -1, count: size)
        self.passed = now.uptimeNanoseconds / self.tickNanoseconds
    }

    /// Adds a value that is due at `deadline`.
    package mutating func add(_ value: Value, at deadline: NIODeadline) -> Token {
        let (whole, rest) = deadline.uptimeNanoseconds.quotientAndRemainder(dividingBy: self.tickNanoseconds)
        let tick = max(rest == 0 ? whole : whole + 1, self.passed + 1)
        let index = self.takeFree()
        self.entries[Int(index)].value = value
        self.entries[Int(index)].tick = tick
        self.link(index, into: self.slot(tick))
        self.count += 1
        return Token(index: index, generation: self.entries[Int(index)].generation)
    }

    /// Removes a value before it is due; `nil` when it is gone already.
    @discardableResult
    package mutating func remove(_ token: Token) -> Value? {
        guard token.index >= 0, Int(token.index) < self.entries.count,
            self.entries[Int(token.index)].generation == token.generation,
            self.entries[Int(token.index)].value != nil
        else { return nil }
        return self.release(token.index)
    }

    /// Takes out every value that is due by `now`.
    package mutating func advance(to now: NIODeadline) -> [Value] {
        let target = now.uptimeNanoseconds / self.tickNanoseconds
        guard target > self.passed else { return [] }
        defer { self.passed = target }
        guard self.count > 0 else { return [] }
        // A jump over more than one turn visits each slot once.
        let first = max(
            self.passed + 1, target >= UInt64(self.slots.count) ? target - UInt64(self.slots.count) + 1 : 0)
        var due: [(tick: UInt64, value: Value)] = []
        for tick in first...target {
            var index = self.slots[self.slot(tick)]
            while index >= 0 {
                let next = self.entries[Int(index)].next
                let entryTick = self.entries[Int(index)].tick
                if entryTick <= target, let value = self.release(index) { due.append((entryTick, value)) }
                index = next
            }
        }
        return due.sorted { $0.tick < $1.tick }.map(\.value)
    }

    /// When to call ``advance(to:)`` next: at or before the next value is due; `nil` when none waits.
    package var nextDeadline: NIODeadline? {
        guard self.count > 0 else { return nil }
        for step in 1...UInt64(self.slots.count) {
            let tick = self.passed + step
            if self.slots[self.slot(tick)] >= 0 { return self.time(of: tick) }
        }
        return nil
    }

    private func time(of tick: UInt64) -> NIODeadline {
        let (nanoseconds, overflow) = tick.multipliedReportingOverflow(by: self.tickNanoseconds)
        return overflow ? .distantFuture : .uptimeNanoseconds(min(nanoseconds, UInt64(Int64.max)))
    }

    private func slot(_ tick: UInt64) -> Int {
        Int(truncatingIfNeeded: tick & UInt64(self.slots.count - 1))
    }

    private mutating func takeFree() -> Int32 {
        guard self.free >= 0 else {
            self.entries.append(Entry())
            return Int32(self.entries.count - 1)
        }
        let index = self.free
        self.free = self.entries[Int(index)].next
        return index
    }

    private mutating func link(_ index: Int32, into slot: Int) {
        let head = self.slots[slot]
        self.entries[Int(index)].next = head
        self.entries[Int(index)].previous = -1
        if head >= 0 { self.entries[Int(head)].previous = index }
        self.slots[slot] = index
    }

    private mutating func release(_ index: Int32) -> Value? {
        let entry = self.entries[Int(index)]
        if entry.previous >= 0 {
            self.entries[Int(entry.previous)].next = entry.next
        } else {
            self.slots[self.slot(entry.tick)] = entry.next
        }
        if entry.next >= 0 { self.entries[Int(entry.next)].previous = entry.previous }
        self.entries[Int(index)].value = nil
        self.entries[Int(index)].generation &+= 1
        self.entries[Int(index)].next = self.free
        self.free = index
        self.count -= 1
        return entry.value
    }
}
