internal import GRDB

/// What the operator does to a registry.
extension SQLiteRegistry {
    /// Registers a hotkey, or changes what is known of it.
    ///
    /// - Parameters:
    ///   - uid: its number; `nil` keeps the one it has, or takes the lowest free one.
    ///   - axon: where it serves; `nil` keeps what it announced.
    /// - Returns: The neuron as it is now.
    /// - Throws: ``ComputeError`` with `invalidConfiguration` when the uid belongs to another hotkey, and
    ///   with `overloaded` when the subnet is full.
    package func add(
        netuid: UInt16, uid: UInt16?, hotkey: String, coldkey: String, stakeRao: UInt64,
        isValidatorPermitted: Bool, axon: AxonRecord?
    ) async throws -> Neuron {
        guard let stake = Int64(exactly: stakeRao) else {
            throw ComputeError(.invalidConfiguration, "The stake is larger than all TAO there is.")
        }
        let limits = self.limits
        return try await self.mapping("Writing the registry") {
            try await self.pool.write { database in
                let uid = try Self.uid(uid, netuid: netuid, hotkey: hotkey, limits: limits, in: database)
                try database.execute(
                    sql: """
                        INSERT INTO neuron (netuid, uid, hotkey, coldkey, stake_rao, validator_permit)
                        VALUES (?, ?, ?, ?, ?, ?)
                        ON CONFLICT (netuid, hotkey) DO UPDATE SET uid = excluded.uid,
                            coldkey = excluded.coldkey, stake_rao = excluded.stake_rao,
                            validator_permit = excluded.validator_permit
                        """,
                    arguments: [Int(netuid), Int(uid), hotkey, coldkey, stake, isValidatorPermitted])
                if var axon {
                    axon.block = try self.height(in: database)
                    try NeuronRow.save(database, axon, netuid: netuid, hotkey: hotkey)
                }
                guard let neuron = try NeuronRow.fetchOne(database, netuid: netuid, hotkey: hotkey) else {
                    throw ComputeError(.storage, "The registry lost the row that it was just given.")
                }
                return neuron
            }
        }
    }

    /// Moves the height on, as if that much time had passed: for trying out what otherwise takes hours.
    ///
    /// Whoever waits for a block sees it at the next look. The height never goes back.
    ///
    /// - Parameter blocks: 1 to ``RegistryLimits/advanceMax``.
    /// - Returns: The height afterwards.
    /// - Throws: ``ComputeError`` with `invalidConfiguration` for another number of blocks.
    package func advance(blocks: UInt64) async throws -> UInt64 {
        guard (1...self.limits.advanceMax).contains(blocks) else {
            throw ComputeError(
                .invalidConfiguration, "The height moves on by 1 to \(self.limits.advanceMax) blocks.")
        }
        let seconds = Int64(blocks) * max(1, self.limits.blockSeconds)
        return try await self.mapping("Writing the registry") {
            try await self.pool.write { database in
                try database.execute(
                    sql: "UPDATE chain SET genesis_seconds = genesis_seconds - ?", arguments: [seconds])
                return try self.height(in: database)
            }
        }
    }

    /// Takes a hotkey out, with all it announced.
    ///
    /// - Returns: Whether it was registered.
    package func remove(netuid: UInt16, hotkey: String) async throws -> Bool {
        try await self.mapping("Writing the registry") {
            try await self.pool.write { database in
                try database.execute(
                    sql: "DELETE FROM neuron WHERE netuid = ? AND hotkey = ?",
                    arguments: [Int(netuid), hotkey])
                return database.changesCount > 0
            }
        }
    }

    private static func uid(
        _ wanted: UInt16?, netuid: UInt16, hotkey: String, limits: RegistryLimits, in database: Database
    ) throws -> UInt16 {
        let neurons = try NeuronRow.fetchAll(database, netuid: netuid)
        let own = neurons.first { $0.hotkey == hotkey }
        if let wanted {
            if let other = neurons.first(where: { $0.uid == wanted }), other.hotkey != hotkey {
                throw ComputeError(
                    .invalidConfiguration,
                    "uid \(wanted) of subnet \(netuid) belongs to \(other.hotkey): remove it first.")
            }
            guard own != nil || neurons.count < limits.neuronsMax else { throw Self.full(netuid, limits) }
            return wanted
        }
        if let own { return own.uid }
        guard neurons.count < limits.neuronsMax else { throw Self.full(netuid, limits) }
        let taken = Set(neurons.map(\.uid))
        guard let free = (UInt16.min...UInt16.max).first(where: { !taken.contains($0) }) else {
            throw Self.full(netuid, limits)
        }
        return free
    }

    private static func full(_ netuid: UInt16, _ limits: RegistryLimits) -> ComputeError {
        ComputeError(.overloaded, "Subnet \(netuid) has its \(limits.neuronsMax) neurons already.")
    }
}
