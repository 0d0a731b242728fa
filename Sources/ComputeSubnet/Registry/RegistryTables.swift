internal import GRDB

/// The tables of the registry file, by version.
enum RegistryTables {
    /// Brings a file to the newest version.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 neurons") { database in
            try database.execute(
                sql: """
                    CREATE TABLE chain (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        genesis_seconds INTEGER NOT NULL
                    ) STRICT;
                    CREATE TABLE neuron (
                        netuid INTEGER NOT NULL CHECK (netuid BETWEEN 0 AND 65535),
                        uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 65535),
                        hotkey TEXT NOT NULL,
                        coldkey TEXT NOT NULL,
                        stake_rao INTEGER NOT NULL CHECK (stake_rao >= 0),
                        validator_permit INTEGER NOT NULL CHECK (validator_permit IN (0, 1)),
                        last_update INTEGER NOT NULL DEFAULT 0,
                        PRIMARY KEY (netuid, uid),
                        UNIQUE (netuid, hotkey)
                    ) STRICT;
                    CREATE TABLE axon (
                        netuid INTEGER NOT NULL,
                        hotkey TEXT NOT NULL,
                        block INTEGER NOT NULL,
                        version INTEGER NOT NULL,
                        ip TEXT NOT NULL,
                        port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
                        protocol INTEGER NOT NULL,
                        placeholder1 INTEGER NOT NULL,
                        placeholder2 INTEGER NOT NULL,
                        certificate BLOB,
                        PRIMARY KEY (netuid, hotkey),
                        FOREIGN KEY (netuid, hotkey) REFERENCES neuron (netuid, hotkey) ON DELETE CASCADE
                    ) STRICT;
                    CREATE TABLE prometheus (
                        netuid INTEGER NOT NULL,
                        hotkey TEXT NOT NULL,
                        block INTEGER NOT NULL,
                        version INTEGER NOT NULL,
                        ip TEXT NOT NULL,
                        port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
                        PRIMARY KEY (netuid, hotkey),
                        FOREIGN KEY (netuid, hotkey) REFERENCES neuron (netuid, hotkey) ON DELETE CASCADE
                    ) STRICT;
                    """)
        }
        return migrator
    }
}
