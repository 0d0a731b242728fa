/// How the node logs.
public struct LogConfiguration: Sendable, Hashable {
    /// The least severe level that is written. Default: info.
    public var level: Level = .info
    /// How an entry is written. Default: text.
    public var format: Format = .text

    /// Creates the defaults.
    public init() {}

    /// The levels of swift-log.
    public enum Level: String, Sendable, Hashable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// The form of a log entry; both are one line.
    public enum Format: String, Sendable, Hashable, CaseIterable {
        /// Time, level, message and `key=value` pairs.
        case text
        /// One JSON object.
        case json
    }
}

/// The HTTP endpoint with metrics and health.
public struct MetricsConfiguration: Sendable, Hashable {
    /// Where to serve `GET /metrics` and `GET /healthz`; nothing is served without it. Default: none.
    public var listen: HostPort?
    /// Most connections at a time; further ones wait in the listen queue. Default: 32.
    public var connectionsMax = 32
    /// Most time series that are kept. Default: 4096.
    public var seriesMax = 4096

    /// Creates the defaults.
    public init() {}
}

/// How connections are made and kept.
public struct NetworkConfiguration: Sendable, Hashable {
    /// Security protocols, most wanted first. Default: noise, tls.
    public var security: [Security] = [.noise, .tls]
    /// What identify tells others about this software. Default: subnet/0.1.0.
    public var agentVersion = "subnet/0.1.0"
    /// Time between parallel dials to addresses of one peer. Default: 250 ms.
    public var dialStagger: Duration = .milliseconds(250)
    /// Time between keep-alive pings on a silent connection. Default: 30 s.
    public var keepAliveInterval: Duration = .seconds(30)
    /// First pause before a lost connection to a bootstrap node is dialled again; it doubles. Default: 1 s.
    public var reconnectBackoffMin: Duration = .seconds(1)
    /// Longest such pause. Default: 1 min.
    public var reconnectBackoffMax: Duration = .seconds(60)
    /// How long an event loop looks for the next bytes after an answer, before it sleeps; 0 is off.
    /// Default: 200 µs.
    public var busyPoll: Duration = .microseconds(200)

    /// Creates the defaults.
    public init() {}

    /// A security protocol of a connection.
    public enum Security: String, Sendable, Hashable, CaseIterable {
        /// Noise XX, `/noise`.
        case noise
        /// TLS 1.3, `/tls/1.0.0`.
        case tls
    }
}

/// How long a step may take.
public struct TimeoutsConfiguration: Sendable, Hashable {
    /// A TCP connection to one address. Default: 10 s.
    public var dial: Duration = .seconds(10)
    /// Everything from the first byte to a secured, multiplexed connection. Default: 10 s.
    public var handshake: Duration = .seconds(10)
    /// The decision of an admission gate after the handshake. Default: 10 s.
    public var admission: Duration = .seconds(10)
    /// The choice of a protocol on a new stream. Default: 10 s.
    public var negotiation: Duration = .seconds(10)
    /// The exchange of identify. Default: 10 s.
    public var identify: Duration = .seconds(10)
    /// A call that names no deadline. Default: 30 s.
    public var call: Duration = .seconds(30)
    /// Calls in flight at shutdown may go on for this time. Default: 5 s.
    public var shutdown: Duration = .seconds(5)

    /// Creates the defaults.
    public init() {}
}

/// The child process that owns the model.
public struct WorkerConfiguration: Sendable, Hashable {
    /// The program to start; without it the embedded model runs in a child of this program. Default: none.
    public var executable: String?
    /// Its arguments. Default: none.
    public var arguments: [String] = []
    /// Variables for its environment as `NAME=VALUE`; the place for secrets such as tokens. Of the node's own
    /// variables it gets `PATH`, `HOME`, `LANG` and `TMPDIR`, unless they are named here. Default: none.
    public var environment: [String] = []
    /// Most calls that the worker answers at a time; further ones are told to come again. Default: 8.
    public var callsMax = 8
    /// Time from start to the worker's ready message. Default: 2 min.
    public var readyTimeout: Duration = .seconds(120)
    /// Time between the request to stop and the kill. Default: 5 s.
    public var grace: Duration = .seconds(5)
    /// First pause before a worker that died is started again; it doubles. Default: 500 ms.
    public var restartBackoffMin: Duration = .milliseconds(500)
    /// Longest such pause. Default: 30 s.
    public var restartBackoffMax: Duration = .seconds(30)

    /// Creates the defaults.
    public init() {}
}

/// What the inference service accepts.
public struct InferenceConfiguration: Sendable, Hashable {
    /// Most bytes of a prompt. Default: 64 KiB.
    public var promptBytesMax = 64 << 10
    /// Most tokens that one call may ask for. Default: 4096.
    public var newTokensMax = 4096

    /// Creates the defaults.
    public init() {}
}

/// The address book in the data directory.
public struct AddressBookConfiguration: Sendable, Hashable {
    /// Most peers; those seen longest ago are forgotten first. Default: 4096.
    public var peersMax = 4096
    /// Most addresses of one peer. Default: 16.
    public var addressesPerPeerMax = 16
    /// Time between writes of a changed book. Default: 1 min.
    public var saveInterval: Duration = .seconds(60)

    /// Creates the defaults.
    public init() {}
}
