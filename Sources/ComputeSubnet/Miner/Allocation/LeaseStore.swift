internal import BittensorCore
internal import GRDB

/// Remembers leases across restarts: one row per lease, and at most one that is not freed.
///
/// The index `one_tenant` makes a second tenant impossible even for a program with a fault.
struct LeaseStore: Sendable {
    private let pool: DatabasePool
    private let limits: MinerLimits
    /// A name of this miner that stays the same, by which the engine's objects are marked as its own.
    let minerID: String

    /// Opens `miner.sqlite` in the directory. Blocking.
    init(directory: String, limits: MinerLimits) throws(ComputeError) {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("leases") { database in
            try database.execute(
                sql: """
                    CREATE TABLE miner (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL);
                    CREATE TABLE lease (
                        id TEXT PRIMARY KEY NOT NULL, phase TEXT NOT NULL, owner TEXT NOT NULL,
                        created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, record TEXT NOT NULL
                    ) STRICT;
                    CREATE UNIQUE INDEX one_tenant ON lease ((1)) WHERE phase <> 'freed';
                    CREATE INDEX lease_age ON lease (created_at);
                    """)
        }
        self.limits = limits
        pool = try ComputeDatabase.open(directory: directory, name: "miner.sqlite", migrator: migrator)
        var generator = SystemRandomNumberGenerator()
        let fresh = LeaseStore.randomID(using: &generator)
        let pool = pool
        minerID = try ComputeDatabase.mapping("Reading the miner's name") {
            try pool.write { database in
                try database.execute(
                    sql: "INSERT OR IGNORE INTO miner (only, id) VALUES (1, ?)", arguments: [fresh])
                return try String.fetchOne(database, sql: "SELECT id FROM miner") ?? fresh
            }
        }
    }

    /// 128 random bits in hex.
    static func randomID(using generator: inout some RandomNumberGenerator) -> String {
        let words = [generator.next() as UInt64, generator.next() as UInt64]
        return words.map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }

    /// The lease that is not freed, if there is one.
    ///
    /// - Throws: `storage`, also for a row that cannot be read: a miner does not go on as if it had no
    ///   tenant.
    func current() throws(ComputeError) -> Lease? {
        let pool = pool
        return try ComputeDatabase.mapping("Reading the lease") {
            guard
                let text = try pool.read({ database in
                    try String.fetchOne(database, sql: "SELECT record FROM lease WHERE phase <> 'freed'")
                })
            else { return nil }
            return try JSONValue(parsing: text).decoded(as: Lease.self)
        }
    }

    /// Writes a lease. When this returns, a crash does not lose it. Blocking, for as long as one small commit
    /// takes.
    ///
    /// - Throws: `storage`; for a second lease that is not freed, too.
    func save(_ lease: Lease) throws(ComputeError) {
        let (pool, limits) = (pool, limits)
        try ComputeDatabase.mapping("Writing the lease") {
            let record = try JSONValue(encoding: lease).text()
            try pool.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO lease (id, phase, owner, created_at, expires_at, record)
                        VALUES (?, ?, ?, ?, ?, ?)
                        ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, record = excluded.record
                        """,
                    arguments: [
                        lease.id, lease.phase.rawValue, lease.owner, lease.createdAt, lease.expiresAt, record,
                    ])
                guard lease.phase == .freed else { return }
                try database.execute(
                    sql: """
                        DELETE FROM lease WHERE phase = 'freed' AND id NOT IN (
                            SELECT id FROM lease WHERE phase = 'freed' ORDER BY created_at DESC, id LIMIT ?)
                        """, arguments: [limits.endedLeasesMax])
            }
        }
    }

    /// Leases that ended, the newest first.
    func ended(limit: Int) throws(ComputeError) -> [Lease] {
        let pool = pool
        return try ComputeDatabase.mapping("Reading ended leases") {
            try pool.read { database in
                try String.fetchAll(
                    database,
                    sql: """
                        SELECT record FROM lease WHERE phase = 'freed' ORDER BY created_at DESC, id LIMIT ?
                        """, arguments: [limit])
            }.map { try JSONValue(parsing: $0).decoded(as: Lease.self) }
        }
    }
}
