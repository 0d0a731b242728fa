internal import LibP2P
internal import LibP2PIdentity
internal import LibP2PRPC
internal import Logging
internal import Metrics
internal import ModelWorkers
internal import NIOCore
internal import ServiceLifecycle
internal import Synchronization

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Runs the model's process; asks it to stop on shutdown.
struct WorkerService: Service {
    let supervisor: WorkerSupervisor

    func run() async throws {
        do {
            try await withGracefulShutdownHandler {
                try await self.supervisor.run()
            } onGracefulShutdown: {
                self.supervisor.stop()
            }
        } catch is CancellationError {
            // Whatever cancelled the node says why. That the worker ended with it is no failure of its own,
            // least of all when the node was told to stop and something else took too long.
        }
    }
}

/// Lets calls end when the node shuts down, for a bounded time, and cancels those that are left: services
/// stop in reverse order, this one before the host. A call that ignores that is left behind.
struct RPCServerService: Service {
    /// For so long the end of cancelled calls is awaited.
    static let cancelledCallsMayGoOn = TimeAmount.seconds(3)

    let server: LibP2PRPCServer
    /// The clock of the bounds.
    let loop: any EventLoop
    /// How long calls are not cancelled.
    let callsMayGoOn: TimeAmount
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        let (server, loop) = (self.server, self.loop)
        let over = loop.makePromise(of: Void.self)
        // This service is its parent: it cancels it and awaits it for a bounded time. A child task would have
        // to be awaited for as long as a handler cares to run.
        let stopping = Task {
            await withTaskCancellationHandler {
                await server.stop()
            } onCancel: {
                loop.scheduleTask(in: Self.cancelledCallsMayGoOn) { over.succeed() }
            }
            over.succeed()
        }
        let timer = loop.scheduleTask(in: self.callsMayGoOn) { stopping.cancel() }
        await withTaskCancellationHandler {
            try? await over.futureResult.get()
        } onCancel: {
            stopping.cancel()
        }
        timer.cancel()
        let count = server.callCount
        guard count > 0 else { return }
        let methods = Set(server.methodNames).sorted().joined(separator: ", ")
        self.logger.warning(
            "\(count) calls went on after they were cancelled and are left behind: \(methods)")
    }
}

/// Says once that everything serves, then waits for shutdown.
struct ReadyService: Service {
    let worker: WorkerSupervisor?
    let timeout: Duration
    let ready: @Sendable () async throws -> Void

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                if let worker { _ = try await worker.waitUntilReady(deadline: .now() + TimeAmount(timeout)) }
                try await ready()
                try? await gracefulShutdown()
            }
        } catch let error as WorkerError where error.code == .cancelled && Task.isShuttingDownGracefully {
            // The node is told to stop while its model loads: nobody waits for that any more.
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // The same, while the caller of the node makes itself ready.
        }
    }
}

/// Ends the group when a condition outside does.
struct StopService: Service {
    let stop: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown { await stop() }
    }
}

/// Saves the host's address book now and then, and on shutdown.
///
/// The host's clock knows no date, the file has seconds since 1970. The service remembers for each peer which
/// time of the one stands for which of the other, so that a peer which is not heard of keeps its time on
/// disk, however often the node starts and saves.
final class AddressBookService: Service {
    /// When a peer was last seen, on both clocks.
    private struct Sighting {
        var onHost: NIODeadline
        var onDisk: Int64
    }

    private let host: Host
    private let store: AddressBookStore
    private let interval: Duration
    private let logger: Logger
    private let sightings: Mutex<[PeerID: Sighting]>

    /// Loads what is on disk into the host. A record that is not signed by its peer is dropped; the addresses
    /// stay, since whoever answers there has to prove its id.
    init(host: Host, directory: DataDirectory, configuration: AddressBookConfiguration, logger: Logger) throws
    {
        var limits = StoredAddressBook.Limits()
        limits.peersMax = configuration.peersMax
        limits.addressesPerPeerMax = configuration.addressesPerPeerMax
        let store = AddressBookStore(directory: directory, limits: limits)
        let (book, warnings) = try store.load()
        for warning in warnings { logger.warning("\(warning)") }
        var entries: [PeerID: AddressBookEntry] = [:]
        var sightings: [PeerID: Sighting] = [:]
        var dropped = 0
        // The first instants of the host's clock: in the order of the file, and before all that is to come.
        for (instant, peer) in book.latest(book.entries.count).reversed().enumerated() {
            guard let stored = book[peer] else { continue }
            let record = Self.record(stored.signedEnvelope, of: peer)
            if record == nil && stored.signedEnvelope != nil { dropped += 1 }
            let seen = NIODeadline.uptimeNanoseconds(UInt64(instant))
            entries[peer] = AddressBookEntry(
                addresses: stored.addresses, signedRecord: record == nil ? nil : stored.signedEnvelope,
                recordSequence: record?.sequenceNumber ?? 0, lastSeen: seen)
            sightings[peer] = Sighting(onHost: seen, onDisk: stored.lastSeen)
        }
        if dropped > 0 {
            logger.warning("\(dropped) records of the address book were not signed by their peers.")
        }
        host.restoreAddressBook(entries)
        self.host = host
        self.store = store
        self.interval = configuration.saveInterval
        self.logger = logger
        self.sightings = Mutex(sightings)
    }

    /// The record in an envelope that `peer` signed.
    private static func record(_ envelope: [UInt8]?, of peer: PeerID) -> PeerRecord? {
        guard let envelope, let record = try? PeerRecord.open(envelope).record, record.peerID == peer else {
            return nil
        }
        return record
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: self.interval)
                self.save()
            }
        }
        self.save()
    }

    private func save() {
        var book = StoredAddressBook(limits: self.store.limits)
        let entries = self.host.addressBook
        let sightings = self.sightings(of: entries)
        for (peer, entry) in entries {
            guard let lastSeen = sightings[peer]?.onDisk else { continue }
            book.update(
                peer,
                StoredAddressBook.Entry(
                    addresses: entry.addresses, signedEnvelope: entry.signedRecord, lastSeen: lastSeen))
        }
        do {
            try self.store.save(book)
        } catch {
            self.logger.warning("the address book was not saved", metadata: ["subnet.error": "\(error)"])
        }
    }

    /// When each peer was last seen: as remembered, unless it is connected or was heard of since.
    private func sightings(of entries: [PeerID: AddressBookEntry]) -> [PeerID: Sighting] {
        let connected = Set(self.host.connectedPeers)
        let (now, nowOnHost) = (Int64(Date().timeIntervalSince1970), NIODeadline.now())
        return self.sightings.withLock { remembered in
            var current: [PeerID: Sighting] = [:]
            for (peer, entry) in entries {
                if connected.contains(peer) {
                    current[peer] = Sighting(onHost: entry.lastSeen, onDisk: now)
                } else if let known = remembered[peer], known.onHost == entry.lastSeen {
                    current[peer] = known
                } else {
                    let age = max(.zero, nowOnHost - entry.lastSeen)
                    current[peer] = Sighting(
                        onHost: entry.lastSeen, onDisk: now - age.nanoseconds / 1_000_000_000)
                }
            }
            remembered = current
            return current
        }
    }
}

/// Publishes what the host counts, every few seconds.
struct HostMetrics: Service {
    private let host: Host
    private let connections: Gauge
    private let pending: Gauge
    private let peers: Gauge
    private let received: Gauge
    private let sent: Gauge

    /// Makes its series with `factory`: the node's own, so that a process may have several nodes.
    init(host: Host, factory: any MetricsFactory) {
        self.host = host
        self.connections = Gauge(label: "subnet_connections", factory: factory)
        self.pending = Gauge(label: "subnet_connections_pending", factory: factory)
        self.peers = Gauge(label: "subnet_peers", factory: factory)
        self.received = Gauge(label: "subnet_received_bytes", factory: factory)
        self.sent = Gauge(label: "subnet_sent_bytes", factory: factory)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                self.connections.record(self.host.connectionCount)
                self.pending.record(self.host.pendingConnectionCount)
                self.peers.record(self.host.connectedPeers.count)
                self.received.record(self.host.bytesReceived)
                self.sent.record(self.host.bytesSent)
                try? await Task.sleep(for: .seconds(2))
            }
        }
    }
}
