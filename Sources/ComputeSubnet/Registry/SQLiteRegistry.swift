package import BittensorCore
internal import GRDB

/// A registry in an SQLite file, which `subnet registry` fills: a chain of one machine.
///
/// Its height grows by one each `RegistryLimits.blockSeconds` since the file was made, and by what
/// ``advance(blocks:)`` adds, which every process that has the file open sees. It keeps the rules
/// that the chain has for serve calls: only registered hotkeys, which sign themselves; no port 0, no
/// address that nobody can reach; at most one call per so many blocks.
package final class SQLiteRegistry: SubnetRegistry {
    /// The name of the file.
    package static let fileName = "registry.sqlite"

    let pool: DatabasePool
    let limits: RegistryLimits
    private let wallClock: WallClock
    /// Whether serve calls may name loopback addresses. The chain refuses them; a subnet on one machine has
    /// no others.
    private let allowsLoopback: Bool

    /// Opens the registry of a data directory, and makes one where there is none. Blocking.
    ///
    /// - Throws: ``ComputeError`` with `storage`.
    package init(
        directory: String, wallClock: WallClock = .system, limits: RegistryLimits = RegistryLimits(),
        allowsLoopback: Bool = true
    ) throws(ComputeError) {
        self.pool = try ComputeDatabase.open(
            directory: directory, name: Self.fileName, migrator: RegistryTables.migrator)
        self.limits = limits
        self.wallClock = wallClock
        self.allowsLoopback = allowsLoopback
        let now = wallClock.seconds
        let pool = self.pool
        try ComputeDatabase.mapping("Reading the registry") {
            try pool.write { database in
                try database.execute(
                    sql: "INSERT OR IGNORE INTO chain (id, genesis_seconds) VALUES (1, ?)", arguments: [now])
            }
        }
    }

    package func blockHeight() async throws -> UInt64 {
        try await self.mapping("Reading the registry") {
            try await self.pool.read { try self.height(in: $0) }
        }
    }

    /// The height at this moment.
    func height(in database: Database) throws -> UInt64 {
        let now = self.wallClock.seconds
        let genesis = try Int64.fetchOne(database, sql: "SELECT genesis_seconds FROM chain") ?? now
        let (age, overflow) = now.subtractingReportingOverflow(genesis)
        return overflow ? .max : UInt64(max(0, age) / max(1, self.limits.blockSeconds))
    }

    package func neurons(netuid: UInt16) async throws -> [Neuron] {
        try await self.mapping("Reading the registry") {
            try await self.pool.read { try NeuronRow.fetchAll($0, netuid: netuid) }
        }
    }

    package func neuron(hotkey: String, netuid: UInt16) async throws -> Neuron? {
        try await self.mapping("Reading the registry") {
            try await self.pool.read { try NeuronRow.fetchOne($0, netuid: netuid, hotkey: hotkey) }
        }
    }

    package func serveAxon(
        _ call: ServeAxonCall, signedBy signer: any HotkeySigner, wait: ExtrinsicWait
    ) async throws -> ExtrinsicOutcome {
        // The chain would check a signature; here, that the key can make one.
        _ = try signer.signature(of: Array("\(call.callName) \(call.netuid) \(call.hotkey)".utf8))
        let block = try await self.blockHeight()
        guard signer.hotkey == call.hotkey else {
            return self.outcome("the signer is not the hotkey of the call", block: block, wait: wait)
        }
        if let refusal = self.refusal(ip: call.ip, port: call.port) {
            return self.outcome(refusal, block: block, wait: wait)
        }
        if let certificate = call.certificate {
            guard (1...self.limits.certificateBytesMax).contains(certificate.count) else {
                return self.outcome(
                    "InvalidCertificate: \(certificate.count) bytes", block: block, wait: wait)
            }
        }
        let record = AxonRecord(
            block: block, version: call.version, ip: call.ip, port: call.port,
            protocolNumber: call.protocolNumber, placeholder1: call.placeholder1,
            placeholder2: call.placeholder2, certificate: call.certificate)
        let refusal = try await self.mapping("Writing the registry") { [limits] in
            try await self.pool.write { database in
                guard
                    let neuron = try NeuronRow.fetchOne(database, netuid: call.netuid, hotkey: call.hotkey)
                else { return "HotKeyNotRegisteredInSubNet" as String? }
                if let last = neuron.axon?.block, limits.servingRateBlocks > 0,
                    block < last + limits.servingRateBlocks
                {
                    return "ServingRateLimitExceeded"
                }
                try NeuronRow.save(database, record, netuid: call.netuid, hotkey: call.hotkey)
                return nil
            }
        }
        return self.outcome(refusal, block: block, wait: wait)
    }

    package func servePrometheus(
        _ call: ServePrometheusCall, signedBy signer: any HotkeySigner, wait: ExtrinsicWait
    ) async throws -> ExtrinsicOutcome {
        _ = try signer.signature(of: Array("serve_prometheus \(call.netuid) \(signer.hotkey)".utf8))
        let block = try await self.blockHeight()
        if let refusal = self.refusal(ip: call.ip, port: call.port) {
            return self.outcome(refusal, block: block, wait: wait)
        }
        let hotkey = signer.hotkey
        let record = PrometheusRecord(block: block, version: call.version, ip: call.ip, port: call.port)
        let refusal = try await self.mapping("Writing the registry") { [limits] in
            try await self.pool.write { database in
                guard let neuron = try NeuronRow.fetchOne(database, netuid: call.netuid, hotkey: hotkey)
                else { return "HotKeyNotRegisteredInSubNet" as String? }
                if let last = neuron.prometheus?.block, limits.servingRateBlocks > 0,
                    block < last + limits.servingRateBlocks
                {
                    return "ServingRateLimitExceeded"
                }
                try NeuronRow.save(database, record, netuid: call.netuid, hotkey: hotkey)
                return nil
            }
        }
        return self.outcome(refusal, block: block, wait: wait)
    }

    /// Why the chain would refuse an address, nil when it would not.
    private func refusal(ip: IPAddress, port: UInt16) -> String? {
        if port == 0 { return "InvalidPort: 0" }
        if ip.isBroadcast || (ip.isLoopback && !self.allowsLoopback) { return "InvalidIpAddress: \(ip.text)" }
        return nil
    }

    private func outcome(_ refusal: String?, block: UInt64, wait: ExtrinsicWait) -> ExtrinsicOutcome {
        if !wait.isWaiting { return .submitted }
        if let refusal { return .failed(refusal) }
        return .succeeded(block: block)
    }

    /// Runs `body` and turns what GRDB throws into a ``ComputeError``.
    func mapping<Result>(_ what: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as DatabaseError {
            throw ComputeError(.storage, "\(what) failed: \(error.message ?? "SQLite error").", cause: error)
        }
    }
}
