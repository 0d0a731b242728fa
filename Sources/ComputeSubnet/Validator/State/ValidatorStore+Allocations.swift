internal import BittensorCore
internal import Crypto
internal import GRDB

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A lease that a validator holds on a miner for somebody.
package struct Allocation: Sendable, Hashable {
    /// What only its holder may know; sealed in the file.
    package struct Secrets: Sendable, Hashable {
        /// How to log in.
        package var credentials: LeaseCredentials
        /// The holder's own name for the lease: who knows it may change the lease.
        package var uuid: String
        /// The public key that the lease was asked for with.
        package var publicKey: String
        /// The SSH key of the holder.
        package var sshKey: String

        /// Secrets from their parts.
        package init(credentials: LeaseCredentials, uuid: String, publicKey: String, sshKey: String) {
            self.credentials = credentials
            self.uuid = uuid
            self.publicKey = publicKey
            self.sshKey = sshKey
        }
    }

    /// The miner.
    package var hotkey: String
    /// Where SSH is reached.
    package var sshAddress: String
    /// The port of SSH.
    package var sshPort: Int
    /// What was asked for, in words: `gpu`, or a part of a model's name.
    package var resource: String
    /// The GPUs that the miner claimed when the lease was made.
    package var gpuName: String?
    /// How many.
    package var gpuCount: Int
    /// When it ends, seconds since 1970; `nil` in rows of older versions whose miner did not say.
    package var expiresAt: Int64?
    /// When it was made, seconds since 1970.
    package var createdAt: Int64
    /// How many checks in a row have not seen it.
    package var offlineCount: Int
    /// Whether the last check saw it.
    package var isOnline: Bool
    /// What only its holder may know.
    package var secrets: Secrets

    /// A lease from its parts.
    package init(
        hotkey: String, sshAddress: String, sshPort: Int, resource: String, gpuName: String?, gpuCount: Int,
        expiresAt: Int64?, createdAt: Int64, offlineCount: Int = 0, isOnline: Bool = true, secrets: Secrets
    ) {
        self.hotkey = hotkey
        self.sshAddress = sshAddress
        self.sshPort = sshPort
        self.resource = resource
        self.gpuName = gpuName
        self.gpuCount = gpuCount
        self.expiresAt = expiresAt
        self.createdAt = createdAt
        self.offlineCount = offlineCount
        self.isOnline = isOnline
        self.secrets = secrets
    }

    /// Whether `uuid` is the holder's name for the lease; takes the same time for each wrong one.
    package func isHeld(by uuid: String) -> Bool {
        SHA256.hash(data: Array(uuid.utf8)) == SHA256.hash(data: Array(self.secrets.uuid.utf8))
    }
}

/// Says where, not how to get in.
extension Allocation: CustomStringConvertible {
    package var description: String { "lease on \(self.hotkey)" }
}

extension ValidatorStore {
    /// Remembers a lease. A miner has one at most.
    ///
    /// - Throws: ``ComputeError`` with `overloaded` when there are too many, and `busy` when the miner has
    ///   one already.
    package func add(_ allocation: Allocation) async throws {
        let sealed = try self.sealed(allocation)
        let limits = self.limits
        try await self.write { database in
            let count = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM allocation") ?? 0
            guard count < limits.allocationsMax else {
                throw ComputeError(.overloaded, "This validator holds its \(count) leases already.")
            }
            let isThere =
                try Int.fetchOne(
                    database, sql: "SELECT 1 FROM allocation WHERE hotkey = ?",
                    arguments: [allocation.hotkey]) != nil
            guard !isThere else {
                throw ComputeError(.busy, "There is a lease on \(allocation.hotkey) already.")
            }
            try database.execute(
                sql: """
                    INSERT INTO allocation
                        (hotkey, secrets, resource, gpu_name, gpu_count, expires_at, created_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    allocation.hotkey, Data(sealed), allocation.resource, allocation.gpuName,
                    allocation.gpuCount, allocation.expiresAt, allocation.createdAt,
                ])
        }
    }

    /// All leases, by hotkey. One whose secrets cannot be opened is an error: better than a lease that nobody
    /// can end.
    package func allocations() async throws -> [Allocation] {
        try await self.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM allocation ORDER BY hotkey").map(self.allocation)
        }
    }

    /// The lease on a miner.
    package func allocation(of hotkey: String) async throws -> Allocation? {
        try await self.read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM allocation WHERE hotkey = ?", arguments: [hotkey]
            ).map(self.allocation)
        }
    }

    /// The hotkeys that have a lease, by hotkey.
    package func allocatedHotkeys() async throws -> [String] {
        try await self.read { try String.fetchAll($0, sql: "SELECT hotkey FROM allocation ORDER BY hotkey") }
    }

    /// Forgets a lease; another one on the same miner stays.
    ///
    /// - Returns: Whether it was there.
    @discardableResult
    package func remove(_ allocation: Allocation) async throws -> Bool {
        try await self.write { database in
            guard try self.holds(allocation, database) else { return false }
            try database.execute(
                sql: "DELETE FROM allocation WHERE hotkey = ?", arguments: [allocation.hotkey])
            return true
        }
    }

    /// Remembers what a check saw.
    ///
    /// - Returns: How many checks in a row have not seen the lease; `nil` when it is gone, also where the
    ///   miner has another one by now.
    package func setOnline(_ isOnline: Bool, _ allocation: Allocation) async throws -> Int? {
        try await self.write { database -> Int? in
            guard try self.holds(allocation, database) else { return nil }
            try database.execute(
                sql: """
                    UPDATE allocation SET is_online = :online,
                        offline_count = CASE WHEN :online THEN 0 ELSE offline_count + 1 END
                    WHERE hotkey = :hotkey
                    """,
                arguments: ["online": isOnline, "hotkey": allocation.hotkey])
            return try Int.fetchOne(
                database, sql: "SELECT offline_count FROM allocation WHERE hotkey = ?",
                arguments: [allocation.hotkey])
        }
    }

    /// Replaces the secrets of a lease, after its key was exchanged; nothing when the lease is gone.
    package func setSecrets(_ allocation: Allocation) async throws {
        let sealed = Data(try self.sealed(allocation))
        try await self.write { database in
            guard try self.holds(allocation, database) else { return }
            try database.execute(
                sql: "UPDATE allocation SET secrets = ? WHERE hotkey = ?",
                arguments: [sealed, allocation.hotkey])
        }
    }

    /// Whether the lease on the miner is still this one. Its name tells: the next one has the same hotkey,
    /// may be of the same second, and SQLite gives the number of a row again.
    private func holds(_ allocation: Allocation, _ database: Database) throws -> Bool {
        let row = try Row.fetchOne(
            database, sql: "SELECT * FROM allocation WHERE hotkey = ?", arguments: [allocation.hotkey])
        guard let row else { return false }
        return try self.allocation(row).isHeld(by: allocation.secrets.uuid)
    }

    // MARK: Sealing

    private func sealed(_ allocation: Allocation) throws -> [UInt8] {
        let secrets = allocation.secrets
        let credentials = secrets.credentials
        let json: JSONValue = [
            "username": .string(credentials.username), "password": .string(credentials.password),
            "port": .int(credentials.port), "version": .int(credentials.version),
            "host_key": credentials.hostKey.map { .string($0) } ?? .null, "uuid": .string(secrets.uuid),
            "regkey": .string(secrets.publicKey), "ssh_key": .string(secrets.sshKey),
            "ip": .string(allocation.sshAddress), "ssh_port": .int(allocation.sshPort),
        ]
        guard let text = try? json.text() else {
            throw ComputeError(.storage, "The secrets of a lease cannot be written.")
        }
        return try self.secrets.seal(Array(text.utf8), context: "allocation/\(allocation.hotkey)")
    }

    private func allocation(_ row: Row) throws -> Allocation {
        let hotkey: String = row["hotkey"]
        let sealed: Data = row["secrets"]
        let opened = try self.secrets.open(Array(sealed), context: "allocation/\(hotkey)")
        guard let opened = String(validating: opened, as: UTF8.self),
            let json = try? JSONValue(parsing: opened)
        else { throw ComputeError(.storage, "The secrets of the lease on \(hotkey) cannot be read.") }
        let reader = try FieldReader(json, "secrets")
        func text(_ name: String) throws(ComputeError) -> String {
            try reader.text(name, bytesMax: 16 << 10, default: "")
        }
        let credentials = LeaseCredentials(
            username: try text("username"), password: try text("password"),
            port: try reader.int("port", in: 0...65535, default: 0),
            version: try reader.int("version", in: 0...Int(UInt32.max), default: 0),
            hostKey: reader.has("host_key") ? try text("host_key") : nil)
        return Allocation(
            hotkey: hotkey, sshAddress: try text("ip"),
            sshPort: try reader.int("ssh_port", in: 0...65535, default: 0), resource: row["resource"],
            gpuName: row["gpu_name"], gpuCount: row["gpu_count"], expiresAt: row["expires_at"],
            createdAt: row["created_at"], offlineCount: row["offline_count"], isOnline: row["is_online"],
            secrets: Allocation.Secrets(
                credentials: credentials, uuid: try text("uuid"), publicKey: try text("regkey"),
                sshKey: try text("ssh_key")))
    }
}
