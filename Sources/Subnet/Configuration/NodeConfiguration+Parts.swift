internal import LibP2P
internal import LibP2PIdentity
internal import ModelWorkers
internal import NIOCore
internal import SubnetRPC

extension HostConfiguration {
    /// The host's part of a node's configuration.
    init(_ node: NodeConfiguration, identity: PrivateKey) {
        self.init(identity: identity, listen: node.listen, announce: node.announce)
        self.security = node.network.security.map { $0 == .tls ? .tls() : .noise() }
        self.agentVersion = node.network.agentVersion
        self.limits.connectionsMax = node.limits.system.connectionsMax
        self.limits.connectionsInboundMax = node.limits.system.connectionsInboundMax
        self.limits.connectionsPerPeerMax = node.limits.peer.connectionsMax
        self.limits.pendingConnectionsMax = node.limits.system.handshakesMax
        self.limits.pendingConnectionsPerAddressMax = node.limits.system.handshakesPerAddressMax
        self.limits.streamsMax = node.limits.system.streamsMax
        self.limits.streamsPerPeerMax = node.limits.peer.streamsMax
        self.limits.streamsPerProtocolMax = node.limits.protocols.streamsMax
        self.limits.streamsPerConnectionMax = node.limits.connection.streamsInboundMax
        self.limits.streamsOutboundPerConnectionMax = node.limits.connection.streamsOutboundMax
        self.limits.streamWindowBytesMax = node.limits.stream.windowBytesMax
        self.limits.connectionWindowBytesMax = node.limits.connection.memoryBytesMax
        self.limits.bufferedBytesMax = node.limits.system.memoryBytesMax
        self.limits.bufferedBytesPerPeerMax = node.limits.peer.memoryBytesMax
        self.limits.bufferedBytesPerProtocolMax = node.limits.protocols.memoryBytesMax
        self.limits.addressBookPeersMax = node.addressBook.peersMax
        self.limits.addressesPerPeerMax = node.addressBook.addressesPerPeerMax
        self.timeouts.dial = TimeAmount(node.timeouts.dial)
        self.timeouts.handshake = TimeAmount(node.timeouts.handshake)
        self.timeouts.admission = TimeAmount(node.timeouts.admission)
        self.timeouts.streamNegotiation = TimeAmount(node.timeouts.negotiation)
        self.timeouts.identify = TimeAmount(node.timeouts.identify)
        self.timeouts.shutdownGrace = TimeAmount(node.timeouts.shutdown)
        self.timeouts.dialStagger = TimeAmount(node.network.dialStagger)
        self.timeouts.busyPoll = TimeAmount(node.network.busyPoll)
        self.timeouts.keepAlive = TimeAmount(node.network.keepAliveInterval)
        self.timeouts.reconnectBackoffMin = TimeAmount(node.network.reconnectBackoffMin)
        self.timeouts.reconnectBackoffMax = TimeAmount(node.network.reconnectBackoffMax)
    }
}

extension ClientConfiguration {
    /// The calling part of a node's configuration.
    init(_ node: NodeConfiguration) {
        self.init()
        self.defaultDeadline = node.timeouts.call
        self.requestBytesMax = node.limits.stream.messageBytesMax
        self.responseBytesMax = node.limits.stream.messageBytesMax
    }
}

extension RouterLimits {
    /// The serving part of a node's configuration.
    init(_ node: NodeConfiguration) {
        self.init()
        self.callsMax = node.limits.system.callsMax
        self.callsPerPeerMax = node.limits.peer.callsMax
        self.requestBytesMax = node.limits.stream.messageBytesMax
        self.responseBytesMax = node.limits.stream.messageBytesMax
    }
}

extension ModelWorkers.WorkerConfiguration {
    /// The worker of a node's configuration; `other` when it names no program.
    ///
    /// - Throws: ``NodeError``; its message does not hold what may be a secret.
    init(_ worker: WorkerConfiguration, default other: ModelWorkers.WorkerConfiguration?) throws {
        if let executable = worker.executable {
            self.init(
                executable: executable, arguments: worker.arguments, environment: Self.environment())
        } else if let other {
            self = other
            self.arguments += worker.arguments
        } else {
            throw NodeError(.conflict, "Inference is to be served but no worker program is configured.")
        }
        for entry in worker.environment {
            // The value may hold the sign again.
            guard let sign = entry.firstIndex(of: "="), sign > entry.startIndex else {
                throw NodeError(
                    .invalidValue, "An entry of worker.environment is not of the form NAME=VALUE.")
            }
            self.environment[String(entry[..<sign])] = String(entry[entry.index(after: sign)...])
        }
        self.limits.callsInFlightMax = worker.callsMax
        self.startTimeout = TimeAmount(worker.readyTimeout)
        self.stopGrace = TimeAmount(worker.grace)
        self.restart.delayFirst = TimeAmount(worker.restartBackoffMin)
        self.restart.delayMax = TimeAmount(worker.restartBackoffMax)
    }
}
