internal import BittensorCore
internal import GRDB

/// What a validator remembers: an SQLite file in its data directory.
///
/// All is keyed by hotkey. Secrets of leases are sealed with a key that lies in another file. Each method is
/// one transaction.
package final class ValidatorStore: Sendable {
    /// The name of the file.
    package static let fileName = "validator.sqlite"

    let pool: DatabasePool
    let secrets: SealedSecrets
    let limits: ValidatorLimits
    let wallClock: WallClock

    /// Opens the store of a data directory, and makes one where there is none. Blocking.
    ///
    /// - Throws: ``ComputeError`` with `storage`.
    package init(
        directory: String, limits: ValidatorLimits = ValidatorLimits(), wallClock: WallClock = .system
    ) throws(ComputeError) {
        self.pool = try ComputeDatabase.open(
            directory: directory, name: Self.fileName, migrator: ValidatorTables.migrator)
        self.secrets = try SealedSecrets(directory: directory)
        self.limits = limits
        self.wallClock = wallClock
    }

    /// Reads.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await self.pool.read(body)
        } catch let error as DatabaseError {
            throw ComputeError(
                .storage, "Reading the validator's state failed: \(error.message ?? "SQLite").", cause: error)
        }
    }

    /// Writes, in one transaction.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value
    {
        do {
            return try await self.pool.write(body)
        } catch let error as DatabaseError {
            throw ComputeError(
                .storage, "Writing the validator's state failed: \(error.message ?? "SQLite").", cause: error)
        }
    }

    // MARK: Values

    /// A small value by name.
    func value(_ name: String) async throws -> String? {
        try await self.read {
            try String.fetchOne($0, sql: "SELECT text FROM value WHERE name = ?", arguments: [name])
        }
    }

    /// Sets a small value.
    func setValue(_ text: String, _ name: String) async throws {
        try await self.write {
            try $0.execute(
                sql: "INSERT OR REPLACE INTO value (name, text) VALUES (?, ?)", arguments: [name, text])
        }
    }

    /// What the planner of rounds must know after a restart; a new planner's where none was saved, or what
    /// was saved cannot be read.
    package func plannerState() async throws -> RoundPlanner.State {
        guard let text = try await self.value("planner"), let json = try? JSONValue(parsing: text),
            let state = try? json.decoded(as: RoundPlanner.State.self)
        else { return RoundPlanner.State() }
        return state
    }

    /// Saves what the planner must know.
    package func save(_ state: RoundPlanner.State) async throws {
        guard let text = try? JSONValue(encoding: state).text() else { return }
        try await self.setValue(text, "planner")
    }
}
