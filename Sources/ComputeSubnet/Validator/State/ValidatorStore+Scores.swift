internal import BittensorCore
internal import GRDB

/// What a proof of GPU showed: so many GPUs of one model, or nothing.
package struct ProofRecord: Sendable, Hashable {
    /// The model; `nil` when the proof failed.
    package var model: String?
    /// How many passed.
    package var count: Int
    /// The speed that was measured from outside, 10¹² operations per second.
    package var teraOps: Double
    /// When, seconds since 1970.
    package var createdAt: Int64

    /// A record from its parts.
    package init(model: String?, count: Int, teraOps: Double, createdAt: Int64) {
        self.model = model
        self.count = count
        self.teraOps = teraOps
        self.createdAt = createdAt
    }

    /// Whether anything was shown.
    package var passed: Bool { self.model != nil && self.count > 0 }
}

/// The score of a miner and where it comes from.
package struct MinerScore: Sendable, Hashable {
    /// The miner.
    package var hotkey: String
    /// Its uid when it was scored.
    package var uid: UInt16
    /// From 0 to 1.
    package var score: Double
    /// Its share of the weights, from 0 to 1.
    package var weight: Double
    /// The model of its GPUs as far as it is shown or claimed.
    package var gpuName: String?
    /// How many.
    package var gpuCount: Int
    /// Whether somebody has a lease there through this validator.
    package var isAllocated: Bool
    /// Whether the score comes from an own measurement.
    package var isOwn: Bool
}

extension ValidatorStore {
    /// Remembers what a proof showed. Of one miner the last few are kept, and of those that passed one at
    /// least, until it is too old to count.
    package func add(_ record: ProofRecord, of hotkey: String) async throws {
        let limits = self.limits
        try await self.write { database in
            guard try Self.isKnown(database, hotkey) else { return }
            try database.execute(
                sql: """
                    INSERT INTO pog_stats (hotkey, gpu_name, num_gpus, tera_ops, created_at)
                    VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [hotkey, record.model, record.count, record.teraOps, record.createdAt])
            try database.execute(
                sql: """
                    DELETE FROM pog_stats WHERE hotkey = :hotkey AND id NOT IN
                        (SELECT id FROM pog_stats WHERE hotkey = :hotkey ORDER BY id DESC LIMIT :max)
                    AND id NOT IN
                        (SELECT id FROM pog_stats WHERE hotkey = :hotkey AND gpu_name IS NOT NULL
                         ORDER BY id DESC LIMIT 1)
                    """,
                arguments: ["hotkey": hotkey, "max": limits.proofRowsMax])
        }
    }

    /// What the last proofs of a miner showed, oldest first.
    package func proofs(of hotkey: String) async throws -> [ProofRecord] {
        try await self.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT gpu_name, num_gpus, tera_ops, created_at FROM pog_stats
                    WHERE hotkey = ? ORDER BY id
                    """,
                arguments: [hotkey]
            ).map {
                ProofRecord(
                    model: $0["gpu_name"], count: $0["num_gpus"], teraOps: $0["tera_ops"],
                    createdAt: $0["created_at"])
            }
        }
    }

    /// The last proof of a miner that passed and is not too old.
    ///
    /// While a miner is leased nobody proves its GPUs, so what was good when the lease began is good while it
    /// lasts. Leases through other validators are not known here: such a miner's proofs grow old.
    package func lastProof(of hotkey: String) async throws -> ProofRecord? {
        let now = self.wallClock.seconds
        let leasedAt = try await self.read {
            try Int64.fetchOne(
                $0, sql: "SELECT created_at FROM allocation WHERE hotkey = ?", arguments: [hotkey])
        }
        let oldest = min(leasedAt ?? now, now) - self.limits.proofAgeMax.components.seconds
        return try await self.proofs(of: hotkey).last { $0.passed && $0.createdAt >= oldest }
    }

    // MARK: Scores

    /// Remembers the scores of all miners in place of those before.
    package func setScores(_ scores: [MinerScore]) async throws {
        let now = self.wallClock.seconds
        try await self.write { database in
            try database.execute(sql: "DELETE FROM stats")
            for score in scores where try Self.isKnown(database, score.hotkey) {
                try database.execute(
                    sql: """
                        INSERT INTO stats
                            (hotkey, uid, gpu_specs, score, weight, allocated, own_score, created_at)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        score.hotkey, Int(score.uid), Self.gpuText(score), 100 * score.score, score.weight,
                        score.isAllocated, score.isOwn, now,
                    ])
            }
        }
    }

    /// The scores of all miners, by uid.
    package func scores() async throws -> [MinerScore] {
        try await self.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM stats ORDER BY uid, hotkey").map { row in
                let (name, count) = Self.gpu(row["gpu_specs"])
                return MinerScore(
                    hotkey: row["hotkey"], uid: UInt16(clamping: row["uid"] as Int64),
                    score: (row["score"] as Double) / 100, weight: row["weight"], gpuName: name,
                    gpuCount: count, isAllocated: row["allocated"], isOwn: row["own_score"])
            }
        }
    }

    private static func gpuText(_ score: MinerScore) -> String {
        let json: JSONValue = [
            "gpu_name": score.gpuName.map { .string($0) } ?? .null, "num_gpus": .int(score.gpuCount),
        ]
        return (try? json.text()) ?? "{}"
    }

    private static func gpu(_ text: String) -> (name: String?, count: Int) {
        guard let json = try? JSONValue(parsing: text) else { return (nil, 0) }
        return (json["gpu_name"]?.stringValue, json["num_gpus"]?.intValue ?? 0)
    }
}
