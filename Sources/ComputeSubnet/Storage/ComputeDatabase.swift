package import GRDB

/// Opens the SQLite files of a data directory.
package enum ComputeDatabase {
    /// The bounds of a database.
    package struct Limits: Sendable, Hashable {
        /// Most connections that read at a time. Default 4.
        package var readersMax = 4
        /// How long a statement waits for another process to finish its write, seconds. Default 5.
        package var busySeconds = 5.0

        /// Creates the defaults.
        package init() {}
    }

    /// Opens, and makes if needed, the database `name` in `directory`, and brings its tables up to date.
    ///
    /// The directory is made with mode 0700 and the files with 0600. Write-ahead logging with full
    /// synchronisation: what a transaction committed is still there after a power cut. Blocking: not for
    /// event loops.
    ///
    /// - Throws: ``ComputeError`` with `storage`: a link in place of the file, a file of a newer version of
    ///   this program, or what SQLite says.
    package static func open(
        directory: String, name: String, migrator: DatabaseMigrator, limits: Limits = Limits()
    ) throws(ComputeError) -> DatabasePool {
        try PrivateFile.makeDirectory(directory)
        let path = "\(directory)/\(name)"
        // SQLite makes its files with the mode of the umask; an empty file of ours has the right one, and the
        // journals take over the mode of the main file.
        try PrivateFile.touch(path)
        var configuration = Configuration()
        configuration.busyMode = .timeout(limits.busySeconds)
        configuration.maximumReaderCount = limits.readersMax
        configuration.foreignKeysEnabled = true
        configuration.label = "compute.\(name)"
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA trusted_schema = OFF")
        }
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            let isNewer = try pool.read { try migrator.hasBeenSuperseded($0) }
            guard !isNewer else {
                throw ComputeError(
                    .storage, "\(path) was written by a newer version of this program: use that one.")
            }
            try migrator.migrate(pool)
            return pool
        } catch let error as ComputeError {
            throw error
        } catch {
            throw ComputeError(.storage, "The database \(path) cannot be opened: \(error).", cause: error)
        }
    }

    /// Runs `body` and turns what GRDB throws into a ``ComputeError``.
    package static func mapping<Result>(
        _ what: String, _ body: () throws -> Result
    ) throws(ComputeError) -> Result {
        do {
            return try body()
        } catch let error as ComputeError {
            throw error
        } catch {
            throw ComputeError(.storage, "\(what) failed: \(error).", cause: error)
        }
    }
}
