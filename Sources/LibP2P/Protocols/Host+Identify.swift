internal import LibP2PCore
public import LibP2PIdentity
internal import Logging
internal import NIOCore
internal import Synchronization

/// What a peer told of itself.
///
/// - Source: <https://github.com/libp2p/specs/blob/master/identify/README.md>
public struct IdentifyInformation: Sendable, Hashable {
    /// Its software.
    public var agentVersion: String
    /// The family of protocols it belongs to, as it says.
    public var protocolVersion: String
    /// The protocols it serves.
    public var protocols: [String]
    /// Where it says it listens; addresses of unknown kinds are left out.
    public var listenAddresses: [Multiaddr]
    /// How it sees us.
    public var observedAddress: Multiaddr?
    /// Its signed peer record, when it was valid.
    public var signedRecord: [UInt8]?
}

extension Host {
    func installIdentify() {
        _ = self.served.set(
            .task { [weak self] stream in
                guard let self else { return }
                try? await stream.write(self.identifyMessage(for: stream.connection))
            }, for: IdentifyMessage.protocolID)
        _ = self.served.set(
            .task { [weak self] stream in
                guard let self else { return }
                try? await self.receiveIdentify(on: stream, isPush: true)
            }, for: IdentifyMessage.pushProtocolID)
    }

    /// Our own record: peer id, addresses, and a sequence number that grows with every change.
    public func signedPeerRecord() throws -> [UInt8] {
        let (addresses, sequence) = self.state.withLock { state in
            (self.announced(state), state.recordSequence)
        }
        let record = try PeerRecord(peerID: self.peerID, sequenceNumber: sequence, addresses: addresses)
        return try record.sealed(with: self.configuration.identity).encoded
    }

    /// What others are told: the configured addresses, else those listened on.
    private func announced(_ state: borrowing State) -> [Multiaddr] {
        let addresses =
            self.configuration.announce.isEmpty
            ? state.listeners.flatMap(\.reachableAddresses) : self.configuration.announce
        // Some machines have hundreds of interfaces, and a record has not room for all.
        return Array(addresses.prefix(IdentityLimits.addressesMax))
    }

    private func identifyMessage(for connection: Connection) -> ByteBuffer {
        let addresses = self.state.withLock { self.announced($0) }
        let message = IdentifyMessage(
            publicKey: self.configuration.identity.publicKey, listenAddresses: addresses,
            protocols: self.served.list(),
            observedAddress: connection.remoteAddress?.withoutPeerID, protocolVersion: "ipfs/0.1.0",
            agentVersion: self.configuration.agentVersion, signedPeerRecord: try? self.signedPeerRecord())
        var bytes = ByteBuffer()
        message.encode(into: &bytes)
        return bytes
    }

    /// Asks the peer who it is, once per connection.
    func identify(over connection: Connection) async {
        guard let stream = try? connection.openStream([IdentifyMessage.protocolID]) else { return }
        do {
            stream.closeWrite()
            try await self.receiveIdentify(on: stream, isPush: false)
        } catch {
            self.logger.debug(
                "identify failed", metadata: ["subnet.peer": "\(stream.peer)", "subnet.error": "\(error)"])
            stream.reset()
        }
    }

    private func receiveIdentify(on stream: PeerStream, isPush: Bool) async throws {
        let loop = stream.connection.eventLoop
        let timer = loop.scheduleTask(in: self.configuration.timeouts.identify) {
            stream.fail(LibP2PError(.timeout, "identify was not answered in time"), tellPeer: true)
        }
        defer { timer.cancel() }
        var decoder = IdentifyDecoder()
        while var bytes = try await stream.read() {
            do { try decoder.received(&bytes) } catch {
                stream.reset()
                throw error
            }
        }
        let message = try decoder.finish()
        try message.checkSender(stream.peer)
        stream.connection.isIdentified = true
        self.learn(message, from: stream, isPush: isPush)
    }

    private func learn(_ message: IdentifyMessage, from stream: PeerStream, isPush: Bool) {
        let peer = stream.peer
        let now = stream.connection.eventLoop.now
        // A record that is not the peer's own is dropped; the rest of the message keeps its worth.
        let record = try? message.peerRecord(of: peer)
        let events = self.state.withLock { state -> [HostEvent.Kind] in
            guard !state.table.connections(with: peer).isEmpty else { return [] }
            var information =
                state.information[peer]
                ?? IdentifyInformation(
                    agentVersion: "", protocolVersion: "", protocols: [], listenAddresses: [],
                    observedAddress: nil,
                    signedRecord: nil)
            let before = information
            // A push may carry only what changed.
            if let agent = message.agentVersion { information.agentVersion = agent }
            if let version = message.protocolVersion { information.protocolVersion = version }
            if !message.protocols.isEmpty || !isPush { information.protocols = message.protocols }
            if !message.listenAddresses.isEmpty || !isPush {
                information.listenAddresses = message.listenAddresses
            }
            if let observed = message.observedAddress { information.observedAddress = observed }
            if let record {
                let envelope = message.signedPeerRecord ?? []
                _ = state.book.setRecord(
                    envelope, addresses: record.addresses, sequence: record.sequenceNumber, of: peer, now: now
                )
                information.signedRecord = envelope
                // Where the peer says it is may not be where it is for us: what answered us stays.
                let dialled = state.table.connections(with: peer).filter { $0.role == .dialer }
                state.book.add(dialled.compactMap(\.remoteAddress), of: peer, now: now)
            } else {
                state.book.add(information.listenAddresses, of: peer, now: now)
            }
            let isNew = state.information[peer] == nil
            state.information[peer] = information
            if isNew { return [.identified] }
            return information.protocols != before.protocols ? [.protocolsChanged] : []
        }
        let quirks = PeerQuirks(agentVersion: message.agentVersion ?? "")
        if quirks != .none {
            for connection in self.state.withLock({ $0.table.connections(with: peer) }) {
                connection.apply(quirks)
            }
        }
        for kind in events { self.feed.emit(HostEvent(peer: peer, kind: kind)) }
    }

    /// Tells connected peers that our protocols or addresses changed.
    func pushIdentify() {
        let connections = self.state.withLock { state -> [Connection] in
            state.recordSequence += 1
            return state.table.peers.keys.sorted().compactMap { state.table.best(for: $0) }
        }
        for connection in connections {
            connection.eventLoop.execute {
                connection.run { [weak self] in
                    guard let self, let stream = try? connection.openStream([IdentifyMessage.pushProtocolID])
                    else {
                        return
                    }
                    try? await stream.write(self.identifyMessage(for: connection))
                    connection.linger(stream)
                }
            }
        }
    }

    /// Suspends until `peer` was identified, at most for ``HostTimeouts/identify``.
    /// - Throws: `LibP2PError`: `.connectionClosed` when it left before, `.timeout`.
    public func identified(_ peer: PeerID) async throws -> IdentifyInformation {
        let time = self.configuration.timeouts.identify
        guard let known = try await self.within(time, { try await self.identification(of: peer) }) else {
            throw LibP2PError(.timeout, "\(peer) did not say in time who it is")
        }
        return known
    }

    private func identification(of peer: PeerID) async throws -> IdentifyInformation {
        let events = self.events()
        if let known = self.information(of: peer) { return known }
        guard self.connectedPeers.contains(peer) else {
            throw LibP2PError(.connectionClosed, "there is no connection with \(peer)")
        }
        for await event in events where event.peer == peer {
            if case .disconnected(let reason) = event.kind { throw LibP2PError(.connectionClosed, reason) }
            if let known = self.information(of: peer) { return known }
        }
        throw LibP2PError(.cancelled, "the wait for identify ended")
    }
}
