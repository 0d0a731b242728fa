import LibP2P
import LibP2PIdentity
import LibP2PRPC
import NIOCore
import SubnetRPC
import SubnetTesting

/// One run of a hundred nodes that call each other while links break: planned from a seed, judged call by
/// call.
///
/// Three waves of calls: the first over no connections, often both ways at once, so that dials cross; the
/// second while some links are cut or frozen; the third after all is healed. A call between nodes whose
/// link was never at fault must end as planned, to the byte; one that met a fault may also end with a typed
/// error. None may pass its deadline.
final class Scenario {
    /// How late an ending may be noticed: a tick of the deadline wheel and what runs in the same moment.
    static let slack = TimeAmount.milliseconds(20)
    /// Bytes that one node may hold for its streams. A seed's calls need far less.
    static let bufferedBytesMax = 8 * 1024 * 1024

    struct Fault {
        var pair: NodePair
        var from: TimeAmount
        var until: TimeAmount
        var isFreeze: Bool
    }

    let seed: UInt64
    let network: SimulatedNetwork
    let tasks: SimulatedTasks
    let nodes: [SimulatedNode]
    private(set) var calls: [PlannedCall] = []
    private(set) var faults: [Fault] = []
    private let log: CallLog

    init(seed: UInt64, nodes count: Int = 100, isTraced: Bool = false) throws {
        self.seed = seed
        var random = SplitMix64(seed: seed)
        var options = LinkOptions()
        options.latency = .milliseconds(Int64(random.within(1...60)))
        options.jitter = .milliseconds(Int64(random.within(0...20)))
        options.splitOneIn = random.within(3...16)
        if random.oneIn(16) { options.pieceBytesMax = 1400 }
        if random.oneIn(4) { options.bytesPerSecond = 2_000_000 }
        if random.oneIn(3) { options.socketBufferBytes = 16 * 1024 }
        let network = SimulatedNetwork(seed: random.next(), options: options)
        self.network = network
        self.tasks = SimulatedTasks(network: network)
        self.log = CallLog(isTraced: isTraced)
        self.nodes = try (0..<count).map { index in
            try SimulatedNode(index, seed: seed, network: network) {
                try Traffic.register(on: $0, network: network)
            }
        }
        self.plan(&random)
    }

    private func plan(_ random: inout SplitMix64) {
        let count = self.nodes.count
        var pairs: [NodePair] = (0..<count).map { NodePair($0, ($0 + 1) % count) }
        var seen = Set(pairs)
        while pairs.count < count * 13 / 10 {
            let pair = NodePair(random.below(count), random.below(count))
            if pair.low != pair.high, seen.insert(pair).inserted { pairs.append(pair) }
        }
        func add(_ pair: NodePair, _ ways: [Bool], _ range: ClosedRange<Int>) {
            for isUp in ways {
                let (from, to) = isUp ? (pair.low, pair.high) : (pair.high, pair.low)
                let at = TimeAmount.milliseconds(Int64(random.within(range)))
                self.calls.append(PlannedCall(self.calls.count, from: from, to: to, at: at, &random))
            }
        }
        for pair in pairs {
            // Half of the pairs dial each other within a moment, so that most of those dials cross.
            let (cold, isUp) = (random.within(0...300), random.oneIn(2))
            add(pair, [isUp], cold...(cold + 60))
            add(pair, [!isUp], random.oneIn(2) ? cold...(cold + 60) : 800...1400)
            add(pair, [random.oneIn(2)], 2000...6000)
            add(pair, [random.oneIn(2)], 20_000...22_000)
            self.nodes[pair.low].learn(self.nodes[pair.high])
            self.nodes[pair.high].learn(self.nodes[pair.low])
            guard random.oneIn(4) else { continue }
            let from = random.within(1500...5500)
            self.faults.append(
                Fault(
                    pair: pair, from: .milliseconds(Int64(from)),
                    until: .milliseconds(Int64(from + random.within(1...3000))), isFreeze: random.oneIn(3)))
        }
        for fault in self.faults {
            let refuses = random.oneIn(2)
            self.network.schedule(in: fault.from) { [network = self.network] in
                if fault.isFreeze { return network.freeze(fault.pair, for: fault.until - fault.from) }
                network.cut(fault.pair, dials: refuses ? .refused : .lost)
            }
            if !fault.isFreeze {
                self.network.schedule(in: fault.until) { [network = self.network] in network.heal(fault.pair)
                }
            }
        }
    }

    // MARK: The run

    /// Plays the plan to its end and stops every node.
    func run() -> Report {
        let (nodes, log) = (self.nodes, self.log)
        for node in nodes {
            self.tasks.start("start \(node.index)") {
                do { _ = try await node.host.start() } catch {
                    log.violate("node \(node.index) did not start: \(error)")
                }
            }
        }
        self.network.run(for: .zero)
        for call in self.calls { self.start(call) }
        var peak = 0
        while self.network.now < .uptimeNanoseconds(0) + .seconds(24) {
            self.network.run(for: .milliseconds(500))
            peak = nodes.reduce(peak) { max($0, $1.host.buffered.bytes) }
        }
        if !self.tasks.finish(within: .seconds(20)) { self.log.violate("stuck: \(self.tasks.names)") }
        if peak > Self.bufferedBytesMax { self.log.violate("a node held \(peak) bytes for its streams") }
        self.judge()
        // Streams linger for half a minute; a connection too many ends when its last stream did.
        self.network.run(for: .seconds(40))
        self.checkQuiet()
        let opened = self.network.linksOpened
        for node in nodes {
            self.tasks.start("stop \(node.index)") {
                await node.server.stop()
                await node.host.stop()
            }
        }
        if !self.tasks.finish(within: .seconds(20)) { self.log.violate("stuck: \(self.tasks.names)") }
        self.network.run(for: .seconds(1))
        if self.network.linkCount > 0 {
            self.log.violate("\(self.network.linkCount) connections outlived their nodes")
        }
        self.network.shutDown()
        return Report(
            seed: self.seed, hash: self.network.auditor.hash, deliveries: self.network.deliveries,
            connections: opened, endings: self.log.endings, violations: self.log.violations)
    }

    private func start(_ call: PlannedCall) {
        let (network, tasks, log) = (self.network, self.tasks, self.log)
        let (from, to) = (self.nodes[call.from], self.nodes[call.to].peer)
        self.network.schedule(in: call.at) {
            let start = network.now
            let task = tasks.start("\(call)") {
                let ending = await call.perform(by: from, to: to, network: network)
                log.add(CallLog.Entry(call: call, ending: ending, start: start, end: network.now))
            }
            if call.kind == .cancelled {
                network.schedule(in: .milliseconds(Int64(call.patience))) { tasks.cancel(task) }
            }
        }
    }

    // MARK: The verdict

    private func judge() {
        var counts = Array(repeating: 0, count: self.calls.count)
        for entry in self.log.entries {
            counts[entry.call.number] += 1
            let (start, end) = (entry.start.uptimeNanoseconds, entry.end.uptimeNanoseconds)
            let isFaulted = self.faults.contains { fault in
                // A dial that got lost keeps its callers for ten seconds at most.
                fault.pair == entry.call.pair && UInt64(fault.from.nanoseconds) <= end
                    && start <= UInt64((fault.until + .milliseconds(10_500)).nanoseconds)
            }
            if let violation = entry.violation(isFaulted: isFaulted) { self.log.violate(violation) }
            self.network.auditor.add(UInt64(entry.call.number), entry.ending.number, end)
        }
        for (number, count) in counts.enumerated() where count != 1 {
            self.log.violate("\(self.calls[number]) ended \(count) times")
        }
    }

    private func checkQuiet() {
        for node in self.nodes {
            let (bytes, streams) = node.host.buffered
            if node.server.callCount != 0 {
                self.log.violate("node \(node.index) still serves \(node.server.callCount) calls")
            }
            if node.host.servedStreamCount != 0 {
                self.log.violate("node \(node.index) counts \(node.host.servedStreamCount) served streams")
            }
            if bytes != 0 || streams != 0 {
                self.log.violate("node \(node.index) holds \(streams) streams with \(bytes) bytes")
            }
            if node.host.connectionCount != node.host.connectedPeers.count {
                self.log.violate(
                    "node \(node.index) has \(node.host.connectionCount) connections with "
                        + "\(node.host.connectedPeers.count) peers"
                )
            }
        }
    }
}
