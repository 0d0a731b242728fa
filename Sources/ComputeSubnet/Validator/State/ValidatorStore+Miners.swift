internal import GRDB

/// What a validator remembers of a miner's hardware.
package struct MinerDetails: Sendable, Hashable {
    /// The miner.
    package var hotkey: String
    /// What it claimed last.
    package var document: HardwareDocument?
    /// How often since then it has claimed nothing.
    package var noSpecsCount: Int
    /// When it claimed, seconds since 1970.
    package var updatedAt: Int64
}

extension ValidatorStore {
    /// Remembers which miners there are. Those that are gone, or whose hotkey is new, lose what was known of
    /// them; leases and the blacklist stay.
    package func setMiners(_ neurons: [Neuron]) async throws {
        let (now, limit) = (self.wallClock.seconds, self.limits.minersMax)
        let kept = neurons.prefix(limit)
        try await self.write { database in
            for neuron in kept {
                try database.execute(
                    sql: """
                        INSERT INTO miner (hotkey, uid, coldkey, seen_at) VALUES (?, ?, ?, ?)
                        ON CONFLICT (hotkey) DO UPDATE SET uid = excluded.uid, coldkey = excluded.coldkey,
                            seen_at = excluded.seen_at
                        """,
                    arguments: [neuron.hotkey, Int(neuron.uid), neuron.coldkey, now])
            }
            let present = Set(kept.map(\.hotkey))
            for hotkey in try String.fetchAll(database, sql: "SELECT hotkey FROM miner")
            where !present.contains(hotkey) {
                try database.execute(sql: "DELETE FROM miner WHERE hotkey = ?", arguments: [hotkey])
            }
        }
    }

    /// The hotkeys of all miners, by uid.
    package func minerHotkeys() async throws -> [String] {
        try await self.read { try String.fetchAll($0, sql: "SELECT hotkey FROM miner ORDER BY uid, hotkey") }
    }

    /// Remembers what a miner claims; `nil` when it said nothing, which is forgiven a few times.
    package func setDetails(_ document: HardwareDocument?, of hotkey: String) async throws {
        let (now, limits) = (self.wallClock.seconds, self.limits)
        let text = try document?.text()
        try await self.write { database in
            guard try Self.isKnown(database, hotkey) else { return }
            guard let text else {
                try database.execute(
                    sql: """
                        UPDATE miner_details SET no_specs_count = MIN(no_specs_count + 1, :max),
                            details = CASE WHEN no_specs_count + 1 >= :max THEN '{}' ELSE details END
                        WHERE hotkey = :hotkey
                        """,
                    arguments: ["max": limits.noSpecsMax, "hotkey": hotkey])
                return
            }
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO miner_details (hotkey, details, no_specs_count, updated_at)
                    VALUES (?, ?, 0, ?)
                    """,
                arguments: [hotkey, text, now])
        }
    }

    /// What all miners claimed, by uid.
    package func details() async throws -> [MinerDetails] {
        let rows = try await self.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT m.hotkey, d.details, d.no_specs_count, d.updated_at FROM miner m
                    LEFT JOIN miner_details d ON d.hotkey = m.hotkey ORDER BY m.uid, m.hotkey
                    """
            ).map { row in
                let text: String? = row["details"]
                let count: Int? = row["no_specs_count"]
                let updated: Int64? = row["updated_at"]
                return (row["hotkey"] as String, text, count ?? 0, updated ?? 0)
            }
        }
        return rows.map { hotkey, text, count, updated in
            let document = text.flatMap { $0 == "{}" ? nil : try? HardwareDocument(text: $0) }
            return MinerDetails(
                hotkey: hotkey, document: document, noSpecsCount: count, updatedAt: updated)
        }
    }

    // MARK: Challenges

    /// Remembers how a challenge went.
    package func add(_ record: ChallengeRecord, of hotkey: String) async throws {
        let (now, limits) = (self.wallClock.seconds, self.limits)
        try await self.write { database in
            guard try Self.isKnown(database, hotkey) else { return }
            try database.execute(
                sql: """
                    INSERT INTO challenge_details
                        (hotkey, success, elapsed_time, difficulty, characters, created_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    hotkey, record.succeeded, record.elapsedSeconds, record.difficulty, record.characters,
                    now,
                ])
            try database.execute(
                sql: """
                    DELETE FROM challenge_details WHERE hotkey = :hotkey AND id NOT IN
                        (SELECT id FROM challenge_details WHERE hotkey = :hotkey ORDER BY id DESC LIMIT :max)
                    """,
                arguments: ["hotkey": hotkey, "max": limits.challengeRowsMax])
        }
    }

    /// How the last challenges of a miner went, oldest first.
    package func challenges(of hotkey: String) async throws -> [ChallengeRecord] {
        try await self.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT success, elapsed_time, difficulty, characters FROM challenge_details
                    WHERE hotkey = ? ORDER BY id
                    """,
                arguments: [hotkey]
            ).map {
                ChallengeRecord(
                    succeeded: $0["success"], elapsedSeconds: $0["elapsed_time"],
                    difficulty: $0["difficulty"], characters: $0["characters"])
            }
        }
    }

    static func isKnown(_ database: Database, _ hotkey: String) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT 1 FROM miner WHERE hotkey = ?", arguments: [hotkey]) != nil
    }
}
