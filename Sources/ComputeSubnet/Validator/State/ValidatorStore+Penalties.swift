internal import GRDB

extension ValidatorStore {
    /// A hotkey that is penalised, and why.
    package struct Penalty: Sendable, Hashable {
        /// The miner.
        package let hotkey: String
        /// What an operator wrote.
        package let reason: String
    }

    /// Most characters of a reason.
    package static let penaltyReasonMax = 256

    /// Hotkeys that are penalised: they are not asked, get no lease and score nothing.
    package func blacklist() async throws -> Set<String> {
        try await self.read { Set(try String.fetchAll($0, sql: "SELECT hotkey FROM blacklist")) }
    }

    /// The hotkeys that are penalised, in order, with reasons.
    package func penalties() async throws -> [Penalty] {
        try await self.read { database in
            try Row.fetchAll(database, sql: "SELECT hotkey, details FROM blacklist ORDER BY hotkey").map {
                Penalty(hotkey: $0["hotkey"], reason: $0["details"])
            }
        }
    }

    /// Penalises a hotkey, again with another reason.
    ///
    /// - Throws: ``ComputeError`` with `overloaded` when as many are penalised as miners are remembered, and
    ///   `malformedRequest` for a reason that is too long.
    package func penalise(_ hotkey: String, reason: String) async throws {
        guard reason.count <= Self.penaltyReasonMax else {
            throw ComputeError(
                .malformedRequest, "A reason has at most \(Self.penaltyReasonMax) characters.")
        }
        let most = self.limits.minersMax
        let isWritten = try await self.write { database in
            let others = try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM blacklist WHERE hotkey <> ?", arguments: [hotkey])
            guard (others ?? 0) < most else { return false }
            try database.execute(
                sql: "INSERT OR REPLACE INTO blacklist (hotkey, details) VALUES (?, ?)",
                arguments: [hotkey, reason])
            return true
        }
        guard isWritten else {
            throw ComputeError(.overloaded, "\(most) hotkeys are penalised already: remove some.")
        }
    }

    /// Takes a penalty back.
    ///
    /// - Returns: Whether there was one.
    package func pardon(_ hotkey: String) async throws -> Bool {
        try await self.write { database in
            try database.execute(sql: "DELETE FROM blacklist WHERE hotkey = ?", arguments: [hotkey])
            return database.changesCount > 0
        }
    }
}
