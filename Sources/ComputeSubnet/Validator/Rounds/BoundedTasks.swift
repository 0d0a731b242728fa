/// Runs many calls, so many at a time.
enum BoundedTasks {
    /// The results of `body` for each item, in the order of the items. Cancelling cancels what runs and
    /// starts no more.
    static func map<Item: Sendable, Result: Sendable>(
        _ items: [Item], atOnce: Int, _ body: @escaping @Sendable (Item) async -> Result
    ) async -> [Result] {
        await withTaskGroup(of: (Int, Result).self) { group in
            var results = [Result?](repeating: nil, count: items.count)
            var waiting = items.enumerated().makeIterator()
            for _ in 0..<max(1, atOnce) {
                guard let (index, item) = waiting.next() else { break }
                group.addTask { (index, await body(item)) }
            }
            while let (index, result) = await group.next() {
                results[index] = result
                guard !Task.isCancelled, let (index, item) = waiting.next() else { continue }
                group.addTask { (index, await body(item)) }
            }
            return results.compactMap { $0 }
        }
    }
}
