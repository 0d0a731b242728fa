internal import BittensorCore
internal import Logging

extension LeaseBroker {
    /// The lease on a miner, for who knows its name.
    ///
    /// - Throws: ``ComputeError`` with `notFound` when there is none, and `notOwner` when the name is wrong.
    func allocation(_ hotkey: String, uuid: String) async throws -> Allocation {
        guard let allocation = try await self.store.allocation(of: hotkey) else {
            throw ComputeError(.notFound, "There is no lease on \(hotkey).")
        }
        guard allocation.isHeld(by: uuid) else {
            throw ComputeError(.notOwner, "uuid_key does not belong to the lease on \(hotkey).")
        }
        return allocation
    }

    /// Ends a lease. It is forgotten when the miner has ended it, and when the miner is gone from the
    /// registry; when the miner says no or nothing, it stays, since somebody may still be billed for it.
    ///
    /// - Throws: ``ComputeError`` with `notFound`, `notOwner`, `busy`; `notAvailable` when the miner refuses
    ///   and `timedOut` when it does not answer.
    package func deallocate(_ hotkey: String, uuid: String, notify: Bool) async throws {
        let allocation = try await self.allocation(hotkey, uuid: uuid)
        try self.begin(hotkey)
        defer { self.finish(hotkey) }
        try await self.end(allocation)
        if notify { try await self.notifier?.queue(.deallocation(allocation)) }
    }

    private func end(_ allocation: Allocation) async throws {
        let hotkey = allocation.hotkey
        guard let miner = try self.neuronIfKnown(hotkey) else {
            try await self.forget(allocation)
            self.logger.info("The lease on \(hotkey) is forgotten: the miner is gone")
            return
        }
        let answer = await self.client.deallocate(
            miner, publicKey: allocation.secrets.publicKey, sleep: self.sleep)
        guard let answer else {
            throw ComputeError(.timedOut, "The miner \(hotkey) does not answer.")
        }
        guard answer else {
            throw ComputeError(.notAvailable, "The miner \(hotkey) does not end the lease.")
        }
        try await self.forget(allocation)
        self.logger.info("The lease on \(hotkey) has ended")
    }

    /// Forgets a lease, and what was seen of it.
    ///
    /// - Returns: Whether it was there: of two that end it, one tells the holder.
    @discardableResult
    private func forget(_ allocation: Allocation) async throws -> Bool {
        let wasThere = try await self.store.remove(allocation)
        if wasThere { self.matched(allocation.hotkey) }
        return wasThere
    }

    /// The neuron of a hotkey, `nil` when the registry does not have it.
    private func neuronIfKnown(_ hotkey: String) throws(ComputeError) -> Neuron? {
        do {
            return try self.neuron(hotkey)
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    /// Changes the container of a lease.
    ///
    /// - Throws: As ``deallocate(_:uuid:notify:)``.
    package func change(_ hotkey: String, uuid: String, _ action: DockerAction) async throws {
        let allocation = try await self.allocation(hotkey, uuid: uuid)
        let miner = try self.neuron(hotkey)
        try self.begin(hotkey)
        defer { self.finish(hotkey) }
        let answer = await self.client.change(miner, action, publicKey: allocation.secrets.publicKey)
        guard let answer else {
            throw ComputeError(.timedOut, "The miner \(hotkey) does not answer.")
        }
        guard answer else {
            throw ComputeError(.notAvailable, "The miner \(hotkey) does not \(action.kind.rawValue).")
        }
        guard action.kind == .exchangeKey, action.keyType == .user else { return }
        var changed = allocation
        changed.secrets.sshKey = action.sshKey
        try await self.store.setSecrets(changed)
    }

    /// Whether miners are free.
    package func status(of hotkeys: [String]) async throws -> [(hotkey: String, status: Status)] {
        await BoundedTasks.map(hotkeys, atOnce: self.limits.checkBatch) { hotkey in
            guard let miner = try? self.neuron(hotkey) else { return (hotkey, Status.notFound) }
            switch await self.client.isAvailable(miner, timeout: .seconds(12)) {
            case true: return (hotkey, .free)
            case false: return (hotkey, .busy)
            case nil: return (hotkey, .noResponse)
            }
        }
    }

    // MARK: Checks

    /// Asks for each lease whether it lives. One that is not seen for too long is forgotten, one that is past
    /// its end is ended, whatever its miner says, and its holder is told. Who changes a lease meanwhile sees
    /// to it himself: it is left to the next check.
    ///
    /// - Returns: How many there are, and how many live.
    package func checkAll() async throws -> (asked: Int, good: Int) {
        let allocations = try await self.store.allocations()
        let results = await BoundedTasks.map(allocations, atOnce: self.limits.checkBatch) { allocation in
            do {
                return try await self.check(allocation)
            } catch {
                self.logger.error("The check of the lease on \(allocation.hotkey) failed here: \(error)")
                return false
            }
        }
        return (allocations.count, results.filter { $0 }.count)
    }

    private func check(_ allocation: Allocation) async throws -> Bool {
        let hotkey = allocation.hotkey
        guard !self.isChanging(hotkey) else { return allocation.isOnline }
        if let end = allocation.expiresAt, end <= self.wallClock.seconds {
            try await self.runOut(allocation)
            return false
        }
        var isAlive = false
        if let miner = try? self.neuron(hotkey) {
            let answer = await self.client.isLeaseAlive(miner, publicKey: allocation.secrets.publicKey)
            isAlive = answer == true
        }
        // The answer may be of a container that was taken away while it came.
        guard !self.isChanging(hotkey) else { return isAlive }
        guard let misses = try await self.store.setOnline(isAlive, allocation) else { return false }
        if isAlive != allocation.isOnline || misses == 1 {
            try await self.notifier?.queue(isAlive ? .online(allocation) : .offline(allocation))
        }
        if misses >= self.limits.offlineMax, try await self.forget(allocation) {
            try await self.notifier?.queue(.deallocation(allocation))
            self.logger.warning("The lease on \(hotkey) is given up: not seen in \(misses) checks")
        }
        return isAlive
    }

    /// Ends a lease that is past its end. The miner is asked to, and whatever it says the lease is forgotten:
    /// its word does not make a lease longer.
    ///
    /// - Throws: ``ComputeError`` with `chain` when nobody knows whom to ask; a later check does it.
    private func runOut(_ allocation: Allocation) async throws {
        let hotkey = allocation.hotkey
        // While somebody changes it, it is left to the next check.
        do { try self.begin(hotkey) } catch { return }
        defer { self.finish(hotkey) }
        // Since the check began somebody may have ended it, and somebody else have the miner.
        guard let found = try await self.store.allocation(of: hotkey),
            found.isHeld(by: allocation.secrets.uuid)
        else { return }
        if let miner = try self.neuronIfKnown(hotkey) {
            let answer = await self.client.deallocate(
                miner, publicKey: allocation.secrets.publicKey, sleep: self.sleep)
            if answer != true {
                self.logger.info("\(hotkey) does not confirm that its lease is over")
            }
        }
        guard try await self.forget(allocation) else { return }
        try await self.notifier?.queue(.deallocation(allocation))
        self.logger.info("The lease on \(hotkey) has run out")
    }

    /// What GPUs a miner claims now. When they are others than at the start of a lease, twice in a row, the
    /// lease is ended: it is not what was paid for. Once may be a driver that was slow to answer.
    func gpusSeen(_ gpu: HardwareDocument.GPU, on miner: Neuron) async throws {
        guard let allocation = try await self.store.allocation(of: miner.hotkey),
            let name = allocation.gpuName, allocation.gpuCount > 0,
            gpu.count != allocation.gpuCount || gpu.details.first?.name != name
        else {
            self.matched(miner.hotkey)
            return
        }
        guard self.mismatched(allocation) else {
            self.logger.warning(
                "\(miner.hotkey) does not show \(allocation.gpuCount) of \(name): once more ends the lease")
            return
        }
        self.logger.warning(
            "\(miner.hotkey) no longer has \(allocation.gpuCount) of \(name): ending the lease")
        do {
            try self.begin(miner.hotkey)
            defer { self.finish(miner.hotkey) }
            try await self.end(allocation)
            try await self.notifier?.queue(.deallocation(allocation))
        } catch {
            self.logger.warning("The lease on \(miner.hotkey) could not be ended: \(error)")
        }
    }
}
