internal import HeapModule

/// Who may work now and who waits, the largest priority first and the oldest first among equals. Pure.
struct WorkQueue {
    enum Admission: Equatable {
        /// Works at once.
        case works
        /// Waits under this number.
        case waits(UInt64)
        /// There is no place to wait.
        case refused
    }

    private struct Waiting: Comparable {
        var priority: Double
        var number: UInt64

        static func < (left: Waiting, right: Waiting) -> Bool {
            left.priority == right.priority ? left.number > right.number : left.priority < right.priority
        }
    }

    let workersMax: Int
    let waitingMax: Int
    private(set) var working = 0
    private var heap = Heap<Waiting>()
    /// Those in the heap that have not given up.
    private var live: Set<UInt64> = []
    private var next: UInt64 = 0

    init(workersMax: Int, waitingMax: Int) {
        self.workersMax = max(1, workersMax)
        self.waitingMax = max(0, waitingMax)
    }

    /// Entries of the heap, those that gave up included.
    var entries: Int { self.heap.count }
    /// How many wait.
    var waiting: Int { self.live.count }

    /// Somebody wants to work. A priority that is no number counts as the smallest.
    mutating func arrived(priority: Double) -> Admission {
        if self.working < self.workersMax {
            self.working += 1
            return .works
        }
        guard self.live.count < self.waitingMax else { return .refused }
        self.next += 1
        self.live.insert(self.next)
        self.heap.insert(
            Waiting(priority: priority.isNaN ? -.infinity : priority, number: self.next))
        return .waits(self.next)
    }

    /// A worker is done.
    /// - Returns: who works in its place.
    mutating func left() -> UInt64? {
        while let first = self.heap.popMax() {
            if self.live.remove(first.number) != nil { return first.number }
        }
        self.working -= 1
        return nil
    }

    /// Somebody waits no longer.
    /// - Returns: whether it was still waiting.
    mutating func gaveUp(_ number: UInt64) -> Bool {
        guard self.live.remove(number) != nil else { return false }
        // What gave up stays in the heap until it comes to the top, or until it is most of the heap.
        if self.heap.count > 2 * self.waitingMax + 64 {
            let live = self.live
            self.heap = Heap(self.heap.unordered.filter { live.contains($0.number) })
        }
        return true
    }
}
