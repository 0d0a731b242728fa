internal import GRDB

/// The tables of a validator, by version. All is keyed by hotkey: a uid changes hands.
enum ValidatorTables {
    /// Brings a file to the newest version.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 state") { try $0.execute(sql: self.state) }
        return migrator
    }

    private static let state = """
        CREATE TABLE miner (
            hotkey TEXT PRIMARY KEY,
            uid INTEGER NOT NULL,
            coldkey TEXT NOT NULL,
            seen_at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE miner_details (
            hotkey TEXT PRIMARY KEY REFERENCES miner (hotkey) ON DELETE CASCADE,
            details TEXT NOT NULL,
            no_specs_count INTEGER NOT NULL DEFAULT 0,
            updated_at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE challenge_details (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            hotkey TEXT NOT NULL REFERENCES miner (hotkey) ON DELETE CASCADE,
            success INTEGER NOT NULL CHECK (success IN (0, 1)),
            elapsed_time REAL NOT NULL,
            difficulty INTEGER NOT NULL,
            characters INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX challenge_details_hotkey ON challenge_details (hotkey, id);
        CREATE TABLE pog_stats (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            hotkey TEXT NOT NULL REFERENCES miner (hotkey) ON DELETE CASCADE,
            gpu_name TEXT,
            num_gpus INTEGER NOT NULL,
            tera_ops REAL NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX pog_stats_hotkey ON pog_stats (hotkey, id);
        CREATE TABLE blacklist (
            hotkey TEXT PRIMARY KEY,
            details TEXT NOT NULL DEFAULT ''
        ) STRICT;
        CREATE TABLE allocation (
            hotkey TEXT PRIMARY KEY,
            secrets BLOB NOT NULL,
            resource TEXT NOT NULL,
            gpu_name TEXT,
            gpu_count INTEGER NOT NULL DEFAULT 0,
            expires_at INTEGER,
            created_at INTEGER NOT NULL,
            offline_count INTEGER NOT NULL DEFAULT 0,
            is_online INTEGER NOT NULL DEFAULT 1
        ) STRICT;
        CREATE TABLE stats (
            hotkey TEXT PRIMARY KEY REFERENCES miner (hotkey) ON DELETE CASCADE,
            uid INTEGER NOT NULL,
            gpu_specs TEXT NOT NULL,
            score REAL NOT NULL,
            weight REAL NOT NULL,
            allocated INTEGER NOT NULL,
            own_score INTEGER NOT NULL,
            reliability_score REAL NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE notification (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            target TEXT NOT NULL,
            body BLOB NOT NULL,
            tries INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE value (
            name TEXT PRIMARY KEY,
            text TEXT NOT NULL
        ) STRICT;
        """
}
