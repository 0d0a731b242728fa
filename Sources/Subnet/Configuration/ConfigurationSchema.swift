internal import LibP2PIdentity

/// All keys of ``NodeConfiguration``, in the order in which they are documented and printed.
///
/// File, environment variables, flags, `--print-config` and `docs/CONFIGURATION.md` are all made from this
/// one list.
package enum ConfigurationSchema {
    /// What every environment variable of this program starts with.
    package static let environmentPrefix = "SUBNET_"

    /// Every key.
    static let keys: [ConfigurationKey] =
        node + log + metrics + network + limits + timeouts + worker + services

    /// The key with this path.
    static func key(_ path: String) -> ConfigurationKey? {
        keysByPath[path]
    }

    /// Whether keys lie below this path.
    static func isSection(_ path: String) -> Bool {
        sections.contains(path)
    }

    /// The paths that have keys below them, such as `limits` and `limits.system`.
    static let sections: Set<String> = Set(
        keys.flatMap { key in
            let parts = key.path.split(separator: ".")
            return (1..<max(1, parts.count)).map { parts.prefix($0).joined(separator: ".") }
        })

    private static let keysByPath = Dictionary(
        keys.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })

    private static let secondsRange: ClosedRange<Duration> = .milliseconds(100)...Duration.seconds(86_400)
    private static let memoryRange = 1 << 20...1 << 40

    private static let node: [ConfigurationKey] = [
        .path(
            "identity", \.identity,
            "Key file of the node; else the key in the data directory, else a new one."),
        .path(
            "data-dir", \.dataDirectory, "Folder for identity and address book; without it nothing is kept."),
        .addresses("listen", \.listen, "Addresses to listen on; port 0 means any free port."),
        .addresses("announce", \.announce, "Addresses to tell others instead of those listened on."),
        .addresses("bootstrap", \.bootstrap, peerIDNeeded: true, "Nodes to connect to at the start."),
        .choices("serve", \.serve, "Built-in services to offer."),
    ]

    private static let log: [ConfigurationKey] = [
        .choice("log.level", \.log.level, "Least severe level that is written to standard error."),
        .choice("log.format", \.log.format, "Form of a log entry; both are one line."),
    ]

    private static let metrics: [ConfigurationKey] = [
        .optional(
            "metrics.listen", \.metrics.listen, expected: "HOST:PORT such as 127.0.0.1:9090",
            "Where to serve GET /metrics (Prometheus text) and GET /healthz; nowhere when not set.",
            parse: { HostPort($0) }, print: { $0.description }),
        .count("metrics.connections-max", \.metrics.connectionsMax, 1...1024, "Most connections at a time."),
        .count("metrics.series-max", \.metrics.seriesMax, 64...1_000_000, "Most time series that are kept."),
    ]

    private static let network: [ConfigurationKey] = [
        .choices("network.security", \.network.security, "Security protocols, most wanted first."),
        .text(
            "network.agent-version", \.network.agentVersion, bytesMax: 128,
            "What identify tells others about this software."),
        .duration(
            "network.dial-stagger", \.network.dialStagger, .milliseconds(10)...Duration.seconds(10),
            "Time between parallel dials to addresses of one peer."),
        .duration(
            "network.keep-alive-interval", \.network.keepAliveInterval, .seconds(1)...Duration.seconds(3600),
            "Time between keep-alive pings on a silent connection."),
        .duration(
            "network.reconnect-backoff-min", \.network.reconnectBackoffMin, secondsRange,
            "First pause before a lost connection to a bootstrap node is dialled again; it doubles."),
        .duration(
            "network.reconnect-backoff-max", \.network.reconnectBackoffMax, secondsRange,
            "Longest such pause."),
        .duration(
            "network.busy-poll", \.network.busyPoll, .zero...Duration.milliseconds(1),
            "How long an event loop looks for the next bytes after an answer, before it sleeps; 0 is off."),
    ]

    private static let limits: [ConfigurationKey] = [
        .count(
            "limits.system.connections-max", \.limits.system.connectionsMax, 1...1_000_000,
            "Most connections in all."),
        .count(
            "limits.system.connections-inbound-max", \.limits.system.connectionsInboundMax, 0...1_000_000,
            "Most connections that others opened."),
        .count(
            "limits.system.handshakes-max", \.limits.system.handshakesMax, 1...100_000,
            "Most inbound connections with an unfinished handshake; the oldest makes room."),
        .count(
            "limits.system.handshakes-per-address-max", \.limits.system.handshakesPerAddressMax, 1...100_000,
            "The same from one source address."),
        .count(
            "limits.system.streams-max", \.limits.system.streamsMax, 1...10_000_000,
            "Most streams that peers opened, in all."),
        .bytes(
            "limits.system.memory-bytes-max", \.limits.system.memoryBytesMax, memoryRange,
            "Most unread and unsent bytes of all streams; the largest streams make room."),
        .count("limits.system.calls-max", \.limits.system.callsMax, 1...1_000_000, "Most calls in flight."),
        .count(
            "limits.peer.connections-max", \.limits.peer.connectionsMax, 1...1024,
            "Most connections of one peer."),
        .count(
            "limits.peer.streams-max", \.limits.peer.streamsMax, 1...1_000_000,
            "Most streams that one peer opened."),
        .bytes(
            "limits.peer.memory-bytes-max", \.limits.peer.memoryBytesMax, memoryRange,
            "The same of one peer."),
        .count(
            "limits.peer.calls-max", \.limits.peer.callsMax, 1...1_000_000,
            "Most calls in flight of one peer."),
        .count(
            "limits.protocol.streams-max", \.limits.protocols.streamsMax, 1...10_000_000,
            "Most streams that peers opened of one protocol."),
        .bytes(
            "limits.protocol.memory-bytes-max", \.limits.protocols.memoryBytesMax, memoryRange,
            "Most unread and unsent bytes of one protocol's streams."),
        .count(
            "limits.connection.streams-inbound-max", \.limits.connection.streamsInboundMax, 1...1_000_000,
            "Most streams that the peer has open on one connection."),
        .count(
            "limits.connection.streams-outbound-max", \.limits.connection.streamsOutboundMax, 1...1_000_000,
            "Most streams that this node has open on one connection."),
        .bytes(
            "limits.connection.memory-bytes-max", \.limits.connection.memoryBytesMax, memoryRange,
            "Most bytes that a peer may have in flight towards this node on one connection."),
        .bytes(
            "limits.stream.message-bytes-max", \.limits.stream.messageBytesMax, 1 << 10...1 << 30,
            "Largest message on a stream."),
        .bytes(
            "limits.stream.window-bytes-max", \.limits.stream.windowBytesMax, 256 << 10...1 << 30,
            "Most bytes in flight on one stream; the window grows to this with the bandwidth-delay product."),
    ]

    private static let timeouts: [ConfigurationKey] = [
        .duration("timeouts.dial", \.timeouts.dial, secondsRange, "A TCP connection to one address."),
        .duration(
            "timeouts.handshake", \.timeouts.handshake, secondsRange,
            "From the first byte to a secured, multiplexed connection."),
        .duration(
            "timeouts.admission", \.timeouts.admission, secondsRange,
            "The decision of an admission gate after the handshake."),
        .duration(
            "timeouts.negotiation", \.timeouts.negotiation, secondsRange,
            "The choice of a protocol on a new stream."),
        .duration("timeouts.identify", \.timeouts.identify, secondsRange, "The exchange of identify."),
        .duration("timeouts.call", \.timeouts.call, secondsRange, "A call that names no deadline."),
        .duration(
            "timeouts.shutdown", \.timeouts.shutdown, .zero...Duration.seconds(3600),
            "Calls in flight at shutdown may go on for this time."),
    ]

    private static let worker: [ConfigurationKey] = [
        .path(
            "worker.executable", \.worker.executable,
            "Program that serves the model; without it the embedded model runs in a child of this program."),
        .list(
            "worker.arguments", \.worker.arguments, countMax: 256, expected: "a text on one line",
            "Arguments of the worker program.",
            parse: { ConfigurationKey.isLine($0) ? $0 : nil }, print: { $0 }),
        .list(
            "worker.environment", \.worker.environment, countMax: 256, expected: "NAME=VALUE", isSecret: true,
            """
            Environment variables of the worker program; the place for its secrets. Of the node's own it \
            gets PATH, HOME, LANG and TMPDIR.
            """,
            parse: { text in
                guard ConfigurationKey.isLine(text), let sign = text.firstIndex(of: "="),
                    sign > text.startIndex
                else { return nil }
                return text
            }, print: { $0 }),
        .count("worker.calls-max", \.worker.callsMax, 1...100_000, "Most calls that it answers at a time."),
        .duration(
            "worker.ready-timeout", \.worker.readyTimeout, secondsRange,
            "Time from start to its ready message."),
        .duration(
            "worker.grace", \.worker.grace, .zero...Duration.seconds(3600),
            "Time between the request to stop and the kill."),
        .duration(
            "worker.restart-backoff-min", \.worker.restartBackoffMin,
            .milliseconds(10)...Duration.seconds(3600),
            "First pause before a worker that died is started again; it doubles."),
        .duration(
            "worker.restart-backoff-max", \.worker.restartBackoffMax,
            .milliseconds(10)...Duration.seconds(86_400),
            "Longest such pause."),
    ]

    private static let services: [ConfigurationKey] = [
        .bytes(
            "inference.prompt-bytes-max", \.inference.promptBytesMax, 1...(16 << 20),
            "Most bytes of a prompt."),
        .count(
            "inference.new-tokens-max", \.inference.newTokensMax, 1...1_000_000,
            "Most tokens that one call may ask for."),
        .count(
            "address-book.peers-max", \.addressBook.peersMax, 1...16_384,
            "Most peers; those seen longest ago are forgotten first."),
        .count(
            "address-book.addresses-per-peer-max", \.addressBook.addressesPerPeerMax, 1...64,
            "Most addresses of one peer."),
        .duration(
            "address-book.save-interval", \.addressBook.saveInterval, secondsRange,
            "Time between writes of a changed book."),
    ]
}

extension ConfigurationKey {
    /// A list of multiaddresses.
    static func addresses(
        _ path: String, _ place: Place<[Multiaddr]>, peerIDNeeded: Bool = false, _ summary: String
    ) -> ConfigurationKey {
        let example = peerIDNeeded ? "/ip4/192.0.2.7/tcp/4001/p2p/ID" : "/ip4/127.0.0.1/tcp/4001"
        return list(
            path, place, countMax: 64, expected: "a multiaddress such as \(example)", summary,
            parse: { text in
                guard let address = try? Multiaddr(text), !peerIDNeeded || address.peerID != nil else {
                    return nil
                }
                return address
            },
            print: { $0.description })
    }
}
