internal import Dispatch
package import LibP2P
internal import LibP2PCore
internal import LibP2PIdentity
internal import LibP2PRPC
package import NIOCore
internal import NIOEmbedded
package import SubnetRPC

/// A network in one thread and virtual time, driving the production hosts, connections and RPC layer.
///
/// Every node's event loop is the same `EmbeddedEventLoop`, every task of every node runs on one executor
/// on it, and links deliver bytes by its timer. Nothing waits for the wall clock, and the seed decides
/// everything: delays, where writes are split, what is cut when. The auditor hashes each delivery, so that
/// two runs of one seed can be compared.
///
/// - Important: `@unchecked Sendable` because everything here is confined to the thread that made it, which
///   `EmbeddedEventLoop` asserts. It is made, used, shut down and dropped there.
package final class SimulatedNetwork: @unchecked Sendable {
    /// A dial that has no answer yet.
    private struct Dial {
        var answer: CheckedContinuation<Void, any Error>
    }

    let embedded = EmbeddedEventLoop()
    /// Runs every task of the simulated nodes.
    package let executor: LoopExecutor
    /// Clock and alarm of the RPC layer of all nodes.
    package let scheduler: any RPCScheduler
    /// How links behave that are opened from now on.
    package var options: LinkOptions
    /// Folded over every delivery: time, link, direction, length.
    package var auditor = Auditor()
    /// Deliveries so far.
    package private(set) var deliveries = 0
    /// Links that were ever opened.
    package private(set) var linksOpened = 0
    /// The most bytes one direction of a link held.
    package private(set) var inFlightPeak = 0

    private var generator: SplitMix64
    private var listeners: [Multiaddr: SimulatedListener] = [:]
    private var links: [SimulatedLink] = []
    private var faults: [NodePair: Fault] = [:]
    private var frozenUntil: [NodePair: NIODeadline] = [:]
    private var dials: [UInt64: Dial] = [:]
    private var nextDial: UInt64 = 0

    /// What a dial between two nodes that are cut meets.
    package enum Fault: Sendable {
        /// An answer that nobody listens, after a round trip.
        case refused
        /// Silence: the dial ends by its timeout.
        case lost
    }

    /// A network without nodes at time 0.
    package init(seed: UInt64, options: LinkOptions = LinkOptions()) {
        self.options = options
        self.generator = SplitMix64(seed: seed)
        self.executor = LoopExecutor(eventLoop: self.embedded)
        self.scheduler = .onLoop(self.embedded)
    }

    // MARK: Time

    /// The loop of all nodes.
    package var loop: any EventLoop { self.embedded }
    /// Virtual time.
    package var now: NIODeadline { self.embedded.now }

    /// Lets virtual time pass; everything due happens.
    package func run(for time: TimeAmount) { self.embedded.advanceTime(by: time) }

    /// Lets virtual time pass in steps until `condition` holds.
    /// - Returns: whether it held before `limit` passed.
    package func run(
        until condition: () -> Bool, limit: TimeAmount, step: TimeAmount = .milliseconds(50)
    ) -> Bool {
        let end = self.now + limit
        self.embedded.run()
        while self.now < end {
            if condition() { return true }
            self.embedded.advanceTime(by: step)
        }
        return condition()
    }

    /// Runs `body` at a point in virtual time.
    package func schedule(in time: TimeAmount, _ body: @escaping @Sendable () -> Void) {
        _ = self.embedded.scheduleTask(in: time) { body() }
    }

    /// Suspends the task for some virtual time.
    /// - Throws: `CancellationError`.
    package func pause(for time: TimeAmount) async throws {
        let timer = self.embedded.scheduleTask(in: time) {}
        try await withTaskCancellationHandler {
            do { try await timer.futureResult.get() } catch { throw CancellationError() }
        } onCancel: {
            timer.cancel()
        }
    }

    /// Ends every link and forgets what was to happen. The last call on a network.
    package func shutDown() {
        self.listeners.removeAll()
        for link in self.links { link.cut() }
        self.links.removeAll()
        self.embedded.run()
        self.embedded.shutdownGracefully(queue: DispatchQueue(label: "simulation")) { _ in }
    }

    // MARK: Links

    /// Links that carry bytes now.
    package var linkCount: Int { self.links.count }

    /// The transport of one node.
    package func transport(node: Int) -> SimulatedTransport { SimulatedTransport(network: self, node: node) }

    /// Cuts every link between two nodes: bytes in flight are lost, and dials fail until ``heal(_:)``.
    package func cut(_ pair: NodePair, dials fault: Fault) {
        self.faults[pair] = fault
        for link in self.links where link.nodes == pair { link.cut() }
    }

    /// Lets two nodes reach each other again.
    package func heal(_ pair: NodePair) { self.faults[pair] = nil }

    /// Holds back what two nodes send each other from now on, and delivers it after `time`.
    package func freeze(_ pair: NodePair, for time: TimeAmount) { self.frozenUntil[pair] = self.now + time }

    /// The earliest time at which something that is sent now may arrive.
    func arrival(between pair: NodePair) -> NIODeadline {
        var delay = self.options.latency
        let jitter = self.options.jitter.nanoseconds
        if jitter > 0 { delay = delay + .nanoseconds(Int64(self.below(Int(jitter) + 1))) }
        return max(self.now + delay, self.frozenUntil[pair] ?? self.now)
    }

    func below(_ bound: Int) -> Int { self.generator.below(bound) }

    func delivered(_ link: Int, _ direction: Int, _ count: Int) {
        self.deliveries += 1
        self.auditor.add(
            UInt64(self.now.uptimeNanoseconds), UInt64(link) << 1 | UInt64(direction), UInt64(count))
    }

    func noteInFlight(_ bytes: Int) { self.inFlightPeak = max(self.inFlightPeak, bytes) }

    func ended(_ link: SimulatedLink) { self.links.removeAll { $0 === link } }

    // MARK: For the transport

    func listen(
        _ address: Multiaddr, node: Int, accept: @escaping @Sendable (any Channel, Multiaddr?) throws -> Void
    ) throws -> any TransportListener {
        guard self.listeners[address] == nil else {
            throw LibP2PError(.invalidArgument, "cannot listen on \(address): it is taken")
        }
        let listener = SimulatedListener(address: address, node: node, accept: accept, network: self)
        self.listeners[address] = listener
        return listener
    }

    func stopListening(_ address: Multiaddr) { self.listeners[address] = nil }

    /// Dials, and leaves when the task is cancelled or `timeout` passed.
    func dial(
        _ address: Multiaddr, from node: Int, timeout: TimeAmount,
        initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        let target = address.withoutPeerID ?? address
        self.nextDial += 1
        let number = self.nextDial
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (answer: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled { return answer.resume(throwing: CancellationError()) }
                self.dials[number] = Dial(answer: answer)
                self.start(number, to: target, from: node, timeout: timeout, initialize: initialize)
            }
        } onCancel: {
            self.dials.removeValue(forKey: number)?.answer.resume(throwing: CancellationError())
        }
    }

    private func start(
        _ number: UInt64, to target: Multiaddr, from node: Int, timeout: TimeAmount,
        initialize: @escaping @Sendable (any Channel) throws -> Void
    ) {
        let pair = NodePair(node, self.listeners[target]?.node ?? node)
        if self.faults[pair] == .lost {
            self.schedule(in: timeout) {
                let dial = self.dials.removeValue(forKey: number)
                dial?.answer.resume(throwing: LibP2PError(.timeout, "nobody answered"))
            }
            return
        }
        // A round trip: the handshake of the transport.
        let there = self.arrival(between: pair) - self.now
        let back = self.arrival(between: pair) - self.now
        self.schedule(in: there + back) {
            guard let dial = self.dials.removeValue(forKey: number) else { return }
            dial.answer.resume(
                with: Result { try self.open(to: target, from: node, initialize: initialize) })
        }
    }

    private func open(
        to target: Multiaddr, from node: Int, initialize: @Sendable (any Channel) throws -> Void
    ) throws {
        guard let listener = self.listeners[target], self.faults[NodePair(node, listener.node)] == nil else {
            throw LibP2PError(.dialFailed, "connection refused")
        }
        self.linksOpened += 1
        let port = 1024 + self.linksOpened % 60_000
        let source = try Multiaddr("/ip4/10.1.\(node / 256).\(node % 256)/tcp/\(port)")
        let link = SimulatedLink(
            number: self.linksOpened, nodes: NodePair(node, listener.node), network: self)
        try link.open(dialer: initialize) { try listener.accept($0, source) }
        self.links.append(link)
    }
}
