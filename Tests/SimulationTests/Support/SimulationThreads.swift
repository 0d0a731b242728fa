import Foundation
import Synchronization

/// Runs simulations on threads of their own: each is confined to one thread, and a pool must not be blocked.
enum SimulationThreads {
    /// Runs `body` on one thread.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Result(catching: body)) }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    /// Runs `body` for every element, on as many threads as there are cores.
    /// - Returns: what it gave, in the order of the elements.
    static func map<Element: Sendable, Value: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) throws -> Value
    ) async throws -> [Value] {
        let counter = Counter()
        let width = min(elements.count, max(1, ProcessInfo.processInfo.activeProcessorCount))
        let parts = try await withThrowingTaskGroup(of: [(Int, Value)].self) { group in
            for _ in 0..<width {
                group.addTask {
                    try await Self.run {
                        var values: [(Int, Value)] = []
                        while let index = counter.take(below: elements.count) {
                            values.append((index, try body(elements[index])))
                        }
                        return values
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return parts.sorted { $0.0 < $1.0 }.map(\.1)
    }

    private final class Counter: Sendable {
        private let next = Atomic<Int>(0)

        func take(below count: Int) -> Int? {
            let index = self.next.add(1, ordering: .relaxed).oldValue
            return index < count ? index : nil
        }
    }
}
