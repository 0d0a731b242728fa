package import NIOCore

/// Owns the tasks of a simulation, by name, until they have ended.
///
/// - Important: `@unchecked Sendable` because it is confined to the network's thread, like the tasks.
package final class SimulatedTasks: @unchecked Sendable {
    private let network: SimulatedNetwork
    private var open: [Int: (name: String, task: Task<Void, Never>)] = [:]
    private var next = 0

    package init(network: SimulatedNetwork) { self.network = network }

    /// Starts a task on the network's executor.
    /// - Returns: its number, for ``cancel(_:)``.
    @discardableResult
    package func start(_ name: String, _ body: @escaping @Sendable () async -> Void) -> Int {
        self.next += 1
        let number = self.next
        // The parent is this table: it holds the handle until the task has ended.
        let task = Task(executorPreference: self.network.executor) {
            await body()
            self.open[number] = nil
        }
        self.open[number] = (name, task)
        return number
    }

    /// Cancels a task, when it still runs.
    package func cancel(_ number: Int) { self.open[number]?.task.cancel() }

    /// Tasks that have not ended.
    package var count: Int { self.open.count }

    /// Their names, oldest first.
    package var names: [String] { self.open.sorted { $0.key < $1.key }.map(\.value.name) }

    /// Lets virtual time pass until no task is left.
    /// - Returns: whether that was so within `limit`.
    package func finish(within limit: TimeAmount) -> Bool {
        self.network.run(until: { self.open.isEmpty }, limit: limit)
    }
}
