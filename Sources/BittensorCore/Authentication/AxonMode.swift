/// How a server treats what the protocol leaves open or Python does badly.
public enum AxonMode: Sendable, Hashable {
    /// Verifies before anything else runs. Unmodified clients of 9.x and 10.x work against it.
    case strict(StrictPolicy)
    /// Python's order, codes and windows, each relaxation by name.
    case compatible(CompatiblePolicy)

    /// What is relaxed; nothing in strict.
    public var relaxations: Set<Relaxation> {
        if case .compatible(let policy) = self { policy.relaxations } else { [] }
    }

    func allows(_ relaxation: Relaxation) -> Bool {
        self.relaxations.contains(relaxation)
    }

    /// The windows of freshness; the compatible rule uses those it has not relaxed.
    var windows: StrictPolicy {
        switch self {
        case .strict(let policy): policy
        case .compatible(let policy): policy.windows
        }
    }
}

/// The windows of a strict server.
public struct StrictPolicy: Sendable, Hashable {
    /// Age of a nonce that is accepted beside the request's own timeout; both bounds as in Python, which has
    /// 4 s.
    public var ageMax: Duration
    /// Most of the request's timeout that counts for the window.
    public var timeoutMax: Duration
    /// Nonce furthest ahead of our clock.
    public var futureMax: Duration
    /// How requests of `btauth/1` are verified; `nil` when they are not understood at all.
    public var btauth: BTAuthPolicy?
    /// Whether the classic headers are refused: only `btauth/1` protects whole bodies.
    public var requiresBTAuth: Bool

    /// The windows: by default 4 s and up to 60 s of timeout, 4 s ahead, `btauth/1` understood and not
    /// required.
    public init(
        ageMax: Duration = .seconds(4), timeoutMax: Duration = .seconds(60),
        futureMax: Duration = .seconds(4),
        btauth: BTAuthPolicy? = .strict, requiresBTAuth: Bool = false
    ) {
        self.ageMax = ageMax
        self.timeoutMax = timeoutMax
        self.futureMax = futureMax
        self.btauth = btauth
        self.requiresBTAuth = requiresBTAuth
    }

    /// The oldest nonce that any request can have: what must be remembered.
    var windowMax: Int64 {
        let classic = Int64(nanosecondsOf: self.ageMax + self.timeoutMax)
        return max(classic, self.btauth.map { Int64(nanosecondsOf: $0.retention) } ?? 0)
    }

    func validate() throws(BittensorError) {
        for span in [self.ageMax, self.timeoutMax, self.futureMax] where span < .zero || span > .seconds(3600)
        {
            throw BittensorError(.invalidConfiguration, "\(span) is not between 0 s and an hour")
        }
        guard !self.requiresBTAuth || self.btauth != nil else {
            throw BittensorError(.invalidConfiguration, "btauth/1 is required and not understood")
        }
    }
}

/// What a compatible server relaxes.
public struct CompatiblePolicy: Sendable, Hashable {
    /// What is relaxed.
    public var relaxations: Set<Relaxation>
    /// Whether `OPTIONS *` asks for the route `*`, as behind newer web frameworks, or for none.
    public var asteriskIsRoute: Bool
    /// The windows for what is not relaxed; also says how `btauth/1` is verified.
    public var windows: StrictPolicy

    /// A policy of one's own.
    public init(
        relaxations: Set<Relaxation>, asteriskIsRoute: Bool = true,
        windows: StrictPolicy = .init(btauth: .reference)
    ) {
        self.relaxations = relaxations
        self.asteriskIsRoute = asteriskIsRoute
        self.windows = windows
    }

    /// As 10.5.0 behaves: everything but ``Relaxation/signatureOptional``.
    public static let python105 = CompatiblePolicy(
        relaxations: Set(Relaxation.allCases).subtracting([.signatureOptional]))
    /// As 9.12.2 behaves, and every release from 9.3.0 to 10.2.0: everything, a missing signature included.
    public static let python912 = CompatiblePolicy(
        relaxations: Set(Relaxation.allCases), asteriskIsRoute: false)
}
