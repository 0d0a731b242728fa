import LibP2P
import LibP2PRPC
import NIOCore
import SubnetTesting

/// Two nodes that know each other, on a network of their own.
///
/// - Important: `@unchecked Sendable` because it is confined to the network's thread, like the tasks.
final class Pair: @unchecked Sendable {
    let network: SimulatedNetwork
    let nodes: [SimulatedNode]
    /// What went wrong so far.
    var faults: [String] = []
    private let tasks: SimulatedTasks

    private init(seed: UInt64, options: LinkOptions, windowBytesMax: Int?) throws {
        let network = SimulatedNetwork(seed: seed, options: options)
        self.network = network
        self.tasks = SimulatedTasks(network: network)
        self.nodes = try (0..<2).map { index in
            try SimulatedNode(index, seed: seed, network: network) {
                try Traffic.register(on: $0, network: network)
            } configure: {
                if let windowBytesMax { $0.limits.streamWindowBytesMax = windowBytesMax }
            }
        }
        self.nodes[0].learn(self.nodes[1])
        self.nodes[1].learn(self.nodes[0])
    }

    /// Starts both nodes, runs `body`, lets its tasks end, and stops the nodes.
    /// - Returns: what went wrong.
    static func run(
        seed: UInt64 = 1, options: LinkOptions, windowBytesMax: Int? = nil, _ body: (Pair) throws -> Void
    ) throws -> [String] {
        let pair = try Pair(seed: seed, options: options, windowBytesMax: windowBytesMax)
        for node in pair.nodes { pair.start("start", at: .zero) { _ = try await node.host.start() } }
        pair.network.run(for: .zero)
        try body(pair)
        pair.finish()
        for node in pair.nodes {
            pair.start("stop", at: .zero) {
                await node.server.stop()
                await node.host.stop()
            }
        }
        pair.finish()
        pair.network.run(for: .seconds(20))
        if pair.network.linkCount > 0 { pair.faults.append("a connection outlived its nodes") }
        pair.network.shutDown()
        return pair.faults.map { "SEED=\(seed) \($0)" }
    }

    /// Starts a task at a point in virtual time from now; what it throws is a fault.
    func start(_ name: String, at time: TimeAmount, _ body: @escaping @Sendable () async throws -> Void) {
        self.network.schedule(in: time) {
            self.tasks.start(name) {
                do { try await body() } catch { self.faults.append("\(name): \(error)") }
            }
        }
    }

    private func finish() {
        self.network.run(for: .zero)
        if !self.tasks.finish(within: .hours(1)) { self.faults.append("stuck: \(self.tasks.names)") }
    }
}
