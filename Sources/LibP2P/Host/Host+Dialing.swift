internal import LibP2PCore
public import LibP2PIdentity
internal import Logging
internal import NIOCore
internal import Synchronization

extension Host {
    /// Connects to the peer at `address`, which may or may not name it.
    /// - Returns: who answered.
    /// - Throws: `LibP2PError`: `.dialFailed`, `.timeout`, `.peerIDMismatch`, `.securityFailed`,
    ///   `.admissionRefused`.
    @discardableResult
    public func connect(to address: Multiaddr) async throws -> PeerID {
        if address.isUnspecified {
            throw LibP2PError(
                .invalidArgument,
                "\(address) stands for all interfaces of a machine: dial one of its addresses")
        }
        if let peer = address.peerID {
            self.addAddresses([address], of: peer)
            _ = try await self.connection(to: peer)
            return peer
        }
        guard self.canDial(address) else {
            throw LibP2PError(.invalidArgument, "\(address) cannot be dialled: this host speaks TCP")
        }
        let connection = try await self.race([address], expecting: nil)
        return try await connection.established()
    }

    /// The connection to `peer`: an open one, the one that is just being dialled, or a new one.
    package func connection(to peer: PeerID) async throws -> Connection {
        while true {
            if peer == self.peerID { throw LibP2PError(.invalidArgument, "a host does not dial itself") }
            let (open, isDialling) = self.state.withLock { state -> (Connection?, Bool) in
                if let open = state.table.best(for: peer) { return (open, false) }
                if state.dials[peer] != nil { return (nil, true) }
                state.dials[peer] = []
                return (nil, false)
            }
            if let open { return open }
            if isDialling {
                await self.dialEnded(peer)
                try Task.checkCancellation()
                if let open = self.state.withLock({ $0.table.best(for: peer) }) { return open }
                // The other caller failed or was cancelled; try with our own time.
                continue
            }
            defer { self.wakeDialWaiters(peer) }
            let dialled = try await self.dialKnown(peer)
            // Of two crossing dials ours may be the one that is given up.
            return self.state.withLock { $0.table.best(for: peer) } ?? dialled
        }
    }

    private func dialEnded(_ peer: PeerID) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = self.state.withLock { state in
                    guard state.dials[peer] != nil, !Task.isCancelled else { return true }
                    state.dials[peer]?.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            // Everybody who waits looks again; only the cancelled one leaves.
            let waiters = self.state.withLock { state in
                let waiters = state.dials[peer] ?? []
                if !waiters.isEmpty { state.dials[peer] = [] }
                return waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    private func wakeDialWaiters(_ peer: PeerID) {
        let waiters = self.state.withLock { $0.dials.removeValue(forKey: peer) ?? [] }
        for waiter in waiters { waiter.resume() }
    }

    /// Dials what the address book knows, and when nothing there answers, what the resolvers know: addresses
    /// of yesterday do not hide those of today.
    private func dialKnown(_ peer: PeerID) async throws -> Connection {
        let known = self.state.withLock { $0.book[peer]?.addresses ?? [] }
        let usable = known.filter { self.canDial($0) }
        var failure: (any Error)?
        if !usable.isEmpty {
            do { return try await self.race(usable, expecting: peer) } catch {
                try Task.checkCancellation()
                failure = error
            }
        }
        let resolved = await self.resolvedAddresses(of: peer)
        try Task.checkCancellation()
        let fresh = resolved.filter { self.canDial($0) && !usable.contains($0) }
        if !fresh.isEmpty { return try await self.race(fresh, expecting: peer) }
        if let failure { throw failure }
        let count = known.count + resolved.count
        throw LibP2PError(
            .noAddress,
            count == 0
                ? "no address is known for \(peer)"
                : "none of the \(count) addresses of \(peer) can be dialled over TCP")
    }

    /// What the first resolver knows that knows anything.
    private func resolvedAddresses(of peer: PeerID) async -> [Multiaddr] {
        for resolver in self.state.withLock({ $0.resolvers }) {
            let found = ((try? await resolver.addresses(of: peer)) ?? []).compactMap(\.withoutPeerID)
            if !found.isEmpty { return Array(found.prefix(self.configuration.limits.addressesPerPeerMax)) }
        }
        return []
    }

    private enum Race: Sendable {
        case connected(Connection)
        case resolved([Multiaddr])
        case failed(any Error)
        case staggered
    }

    /// Dials several addresses with a staggered start, those behind a name too; the first connection wins and
    /// the others are given up.
    private func race(_ addresses: [Multiaddr], expecting peer: PeerID?) async throws -> Connection {
        let loop = self.executor().eventLoop
        let timeouts = self.configuration.timeouts
        return try await withThrowingTaskGroup(of: Race.self) { group in
            var waiting = addresses.map { (address: $0, isResolved: false) }[...]
            var running = 0
            var errors: [any Error] = []
            func startNext() {
                guard let (address, isResolved) = waiting.popFirst() else { return }
                running += 1
                group.addTask {
                    do {
                        if isResolved { return .connected(try await self.dial(address, expecting: peer)) }
                        let found = try await self.resolve(address, timeout: timeouts.dial, on: loop)
                        // The common case goes on at once.
                        if found == [address] {
                            return .connected(try await self.dial(address, expecting: peer))
                        }
                        return .resolved(found)
                    } catch {
                        return .failed(error)
                    }
                }
                if !waiting.isEmpty {
                    group.addTask {
                        try? await loop.sleep(for: timeouts.dialStagger)
                        return .staggered
                    }
                }
            }
            startNext()
            while running > 0, let event = try await group.next() {
                switch event {
                case .connected(let connection):
                    group.cancelAll()
                    while let late = try await group.next() {
                        // Two addresses answered at once: the second connection is not needed.
                        if case .connected(let other) = late, other !== connection { other.drain() }
                    }
                    return connection
                case .resolved(let found):
                    running -= 1
                    waiting = found.map { (address: $0, isResolved: true) } + waiting
                    startNext()
                case .failed(let error):
                    running -= 1
                    errors.append(error)
                    startNext()
                case .staggered: startNext()
                }
            }
            group.cancelAll()
            try Task.checkCancellation()
            if errors.count == 1, let only = errors.first { throw only }
            let whose = peer.map { "addresses of \($0)" } ?? "addresses"
            let reasons = errors.map { "\($0)" }.joined(separator: "; ")
            throw LibP2PError(.dialFailed, "none of the \(errors.count) \(whose) answered: \(reasons)")
        }
    }

    /// Brings a wanted connection back whenever it ends, until cancelled.
    func keepConnected(_ address: Multiaddr) async {
        guard let peer = address.peerID else { return }
        let loop = self.executor().eventLoop
        let pauseMin = self.configuration.timeouts.reconnectBackoffMin
        let pauseMax = self.configuration.timeouts.reconnectBackoffMax
        var pause = pauseMin
        while !Task.isCancelled {
            do {
                self.addAddresses([address], of: peer)
                let connection = try await self.connection(to: peer)
                let start = loop.now
                await withTaskCancellationHandler {
                    await connection.closed()
                } onCancel: {
                    connection.close(LibP2PError(.connectionClosed, "the host was stopped"))
                }
                // One that is refused behind its handshake stood too, for long on a busy machine. Who was
                // let in is told who the peer is.
                if loop.now - start > (connection.isIdentified ? pause : pauseMax) { pause = pauseMin }
            } catch {
                self.logger.info(
                    "cannot reach a wanted peer, trying again in \(pause.nanoseconds / 1_000_000) ms",
                    metadata: ["subnet.peer": "\(peer)", "subnet.error": "\(error)"])
            }
            try? await loop.sleep(for: self.spread(pause))
            pause = min(pause * 2, pauseMax)
        }
    }

    /// `pause` shortened or lengthened by up to a quarter, by our id: a peer that comes back is not met by
    /// all at once, and a simulated run repeats itself.
    private func spread(_ pause: TimeAmount) -> TimeAmount {
        .nanoseconds(pause.nanoseconds / 4 * 3 + pause.nanoseconds / 512 * Int64(self.peerID.bytes.last ?? 0))
    }
}

extension EventLoop {
    /// Suspends for `time` of this loop's clock, which is the simulator's in simulation.
    /// - Throws: `CancellationError`.
    func sleep(for time: TimeAmount) async throws {
        let timer = self.scheduleTask(in: time) {}
        try await withTaskCancellationHandler {
            do { try await timer.futureResult.get() } catch { throw CancellationError() }
        } onCancel: {
            timer.cancel()
        }
    }
}
