internal import LibP2P
internal import LibP2PIdentity
internal import LibP2PRPC
internal import Logging
internal import Metrics
internal import ModelWorkers
internal import NIOCore
internal import ServiceLifecycle

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Runs the model's process; asks it to stop on shutdown.
struct WorkerService: Service {
    let supervisor: WorkerSupervisor

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await self.supervisor.run()
        } onGracefulShutdown: {
            self.supervisor.stop()
        }
    }
}

/// Lets calls end when the node shuts down: services stop in reverse order, this one before the host.
struct RPCServerService: Service {
    let server: LibP2PRPCServer

    func run() async throws {
        try? await gracefulShutdown()
        await self.server.stop()
    }
}

/// Says once that everything serves, then waits for shutdown.
struct ReadyService: Service {
    let worker: WorkerSupervisor?
    let timeout: Duration
    let ready: @Sendable () async throws -> Void

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            if let worker { _ = try await worker.waitUntilReady(deadline: .now() + TimeAmount(timeout)) }
            try await ready()
            try? await gracefulShutdown()
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
final class AddressBookService: Service {
    private let host: Host
    private let store: AddressBookStore
    private let interval: Duration
    private let logger: Logger

    /// Loads what is on disk into the host.
    init(host: Host, directory: DataDirectory, configuration: AddressBookConfiguration, logger: Logger) throws
    {
        var limits = StoredAddressBook.Limits()
        limits.peersMax = configuration.peersMax
        limits.addressesPerPeerMax = configuration.addressesPerPeerMax
        self.host = host
        self.store = AddressBookStore(directory: directory, limits: limits)
        self.interval = configuration.saveInterval
        self.logger = logger
        let (book, warnings) = try self.store.load()
        for warning in warnings { logger.warning("\(warning)") }
        host.restoreAddressBook(
            book.entries.mapValues {
                AddressBookEntry(addresses: $0.addresses, signedRecord: $0.signedEnvelope)
            })
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
        let now = Int64(Date().timeIntervalSince1970)
        for (peer, entry) in self.host.addressBook {
            book.update(
                peer,
                StoredAddressBook.Entry(
                    addresses: entry.addresses, signedEnvelope: entry.signedRecord, lastSeen: now))
        }
        do {
            try self.store.save(book)
        } catch {
            self.logger.warning("the address book was not saved", metadata: ["subnet.error": "\(error)"])
        }
    }
}

/// Publishes what the host counts, every few seconds.
struct HostMetrics: Service {
    let host: Host

    func run() async throws {
        let connections = Gauge(label: "subnet_connections")
        let pending = Gauge(label: "subnet_connections_pending")
        let peers = Gauge(label: "subnet_peers")
        let received = Gauge(label: "subnet_received_bytes")
        let sent = Gauge(label: "subnet_sent_bytes")
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                connections.record(self.host.connectionCount)
                pending.record(self.host.pendingConnectionCount)
                peers.record(self.host.connectedPeers.count)
                received.record(self.host.bytesReceived)
                sent.record(self.host.bytesSent)
                try? await Task.sleep(for: .seconds(2))
            }
        }
    }
}
