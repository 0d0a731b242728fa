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
        if let peer = address.peerID {
            self.addAddresses([address], of: peer)
            _ = try await self.connection(to: peer)
            return peer
        }
        guard self.canDial(address) else {
            throw LibP2PError(.invalidArgument, "\(address) cannot be dialled: this host speaks TCP")
        }
        let connection = try await self.dial(address, expecting: nil)
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
            let dialled = try await self.dialAny(peer, self.addressesToDial(peer))
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

    private func addressesToDial(_ peer: PeerID) async throws -> [Multiaddr] {
        var known = self.state.withLock { $0.book[peer]?.addresses ?? [] }
        if known.isEmpty {
            for resolver in self.state.withLock({ $0.resolvers }) {
                known = (try? await resolver.addresses(of: peer)) ?? []
                if !known.isEmpty { break }
            }
        }
        if known.isEmpty { throw LibP2PError(.noAddress, "no address is known for \(peer)") }
        let usable = known.filter { self.canDial($0) }
        if usable.isEmpty {
            throw LibP2PError(
                .noAddress, "none of the \(known.count) addresses of \(peer) can be dialled over TCP")
        }
        return usable
    }

    private enum Race: Sendable {
        case connected(Connection)
        case failed(any Error)
        case staggered
    }

    /// Dials several addresses with a staggered start; the first connection wins and the others are given up.
    private func dialAny(_ peer: PeerID, _ addresses: [Multiaddr]) async throws -> Connection {
        let loop = self.executor().eventLoop
        let stagger = self.configuration.timeouts.dialStagger
        return try await withThrowingTaskGroup(of: Race.self) { group in
            var waiting = addresses[...]
            var running = 0
            var errors: [any Error] = []
            func startNext() {
                guard let address = waiting.popFirst() else { return }
                running += 1
                group.addTask {
                    do { return .connected(try await self.dial(address, expecting: peer)) } catch {
                        return .failed(error)
                    }
                }
                if !waiting.isEmpty {
                    group.addTask {
                        try? await loop.sleep(for: stagger)
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
            let reasons = errors.map { "\($0)" }.joined(separator: "; ")
            throw LibP2PError(
                .dialFailed, "none of the \(addresses.count) addresses of \(peer) answered: \(reasons)")
        }
    }

    /// Brings a wanted connection back whenever it ends, until cancelled.
    func keepConnected(_ address: Multiaddr) async {
        guard let peer = address.peerID else { return }
        let loop = self.executor().eventLoop
        let pauseMin = self.configuration.timeouts.reconnectBackoffMin
        var pause = pauseMin
        while !Task.isCancelled {
            do {
                self.addAddresses([address], of: peer)
                let connection = try await self.connection(to: peer)
                pause = pauseMin
                await withTaskCancellationHandler {
                    await connection.closed()
                } onCancel: {
                    connection.close(LibP2PError(.connectionClosed, "the host was stopped"))
                }
            } catch {
                self.logger.info(
                    "cannot reach a wanted peer, trying again in \(pause.nanoseconds / 1_000_000) ms",
                    metadata: ["subnet.peer": "\(peer)", "subnet.error": "\(error)"])
            }
            try? await loop.sleep(for: pause)
            pause = min(pause * 2, self.configuration.timeouts.reconnectBackoffMax)
        }
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
