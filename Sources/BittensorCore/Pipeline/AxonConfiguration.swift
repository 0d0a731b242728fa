/// What one server is, for every request that it takes.
public struct AxonConfiguration: Sendable {
    /// How it treats what the protocol leaves open.
    public var mode: AxonMode
    /// Who it is.
    public var identity: AxonIdentity
    /// What it serves.
    public var routes: AxonRoutes
    /// Bounds on requests.
    public var limits: SynapseLimits
    /// Whether successful replies carry version, nonce, uuid and signature of the server too. Releases since
    /// 7.4 do not send them; NI Compute's older base does.
    public var signsSuccess: Bool

    /// What a server is.
    public init(
        mode: AxonMode = .strict(.init()), identity: AxonIdentity, routes: AxonRoutes,
        limits: SynapseLimits = .init(), signsSuccess: Bool = false
    ) {
        self.mode = mode
        self.identity = identity
        self.routes = routes
        self.limits = limits
        self.signsSuccess = signsSuccess
    }
}

/// Who a server is.
public struct AxonIdentity: Sendable, Hashable {
    /// SS58 address of its hotkey.
    public var hotkey: String
    /// Version of its software as one number.
    public var version: Int
    /// Names this run of it.
    public var uuid: String

    /// An identity.
    public init(hotkey: String, version: Int, uuid: String) {
        self.hotkey = hotkey
        self.version = version
        self.uuid = uuid
    }
}

/// One synapse that a server serves.
public struct AxonRoute: Sendable, Hashable {
    /// What the synapse declares.
    public let schema: SynapseSchema
    /// Whether the operator has a verify function for it.
    public var hasVerify: Bool
    /// Whether the operator has a blacklist function for it.
    public var hasBlacklist: Bool
    /// Whether the operator has a priority function for it, or its requests wait for a worker.
    public var hasPriority: Bool

    /// A route; steps that it has no function for are skipped.
    public init(
        schema: SynapseSchema, hasVerify: Bool = false, hasBlacklist: Bool = false, hasPriority: Bool = false
    ) {
        self.schema = schema
        self.hasVerify = hasVerify
        self.hasBlacklist = hasBlacklist
        self.hasPriority = hasPriority
    }
}

/// The synapses that a server serves.
public struct AxonRoutes: Sendable, Hashable {
    /// Their names, in the order in which they were attached.
    public private(set) var names: [String] = []
    private var routes: [String: AxonRoute] = [:]

    /// No routes.
    public init() {}

    /// Adds a route, or replaces the one of the same name in its place.
    public mutating func add(_ route: AxonRoute) {
        if self.routes.updateValue(route, forKey: route.schema.name) == nil {
            self.names.append(route.schema.name)
        }
    }

    /// The route of a name.
    public subscript(name: String) -> AxonRoute? { self.routes[name] }
}
