/// One use of the machine by one tenant, from the request that began it to its clean-up.
struct Lease: Sendable, Hashable, Codable {
    /// Where a lease stands; what the store remembers across a crash.
    enum Phase: String, Sendable, Hashable, Codable {
        /// The intent is written; parts of the container may exist.
        case preparing
        /// The tenant can log in.
        case leased
        /// The container is frozen.
        case paused
        /// Its end is decided; parts of the container may exist.
        case expiring
        /// Nothing is left of it.
        case freed
    }

    /// 128 random bits in hex: names of the engine's objects derive from it.
    var id: String
    /// SS58 address of the hotkey that signed the request: the owner.
    var owner: String
    /// The RSA key of the request, to which its credentials were encrypted.
    var publicKey: String
    /// SHA-256 of the whole request: a repetition of it gets the same lease.
    var requestDigest: String
    /// Whether a validator only tests.
    var isTesting: Bool

    /// Limits, as they are enforced.
    var cpuCount: Int
    var memoryBytes: Int64
    var diskBytes: Int64
    var gpuIDs: [String]

    /// The image, by content.
    var imageID: String
    /// Where the sized volume appears besides the home folder.
    var volumePath: String?
    /// Keys that may log in, as canonical lines.
    var userKey: String
    var terminalKey: String?
    /// Fingerprint of the container's host key, `SHA256:…`.
    var hostKeyFingerprint: String
    /// Port of SSH on the host.
    var sshPort: UInt16

    /// Seconds since 1970.
    var createdAt: Int64
    /// Seconds since 1970. It never moves.
    var expiresAt: Int64
    /// How often its container had to be started again.
    var revivals = 0

    var phase = Phase.preparing
    /// Why it ended.
    var endReason: String?

    /// The engine's names of its parts.
    var containerName: String { "subnet-lease-\(id)" }
    var homeVolume: String { "subnet-lease-\(id)-home" }
    var keysVolume: String { "subnet-lease-\(id)-keys" }

    /// The lines of authorized_keys.
    var authorizedKeys: [String] { [userKey] + (terminalKey.map { [$0] } ?? []) }

    /// In another phase.
    func at(_ phase: Phase) -> Lease {
        var copy = self
        copy.phase = phase
        return copy
    }
}

/// What is done to the container of a lease.
enum LeaseChange: Sendable, Hashable {
    case restart, pause, unpause
    /// New keys; the lease that carries them.
    case exchangeKeys(user: String, terminal: String?)
    /// Its program ended: start it again.
    case revive
}

/// The two clocks of a lease: the wall clock survives restarts, the other one does not jump.
struct LeaseTime: Sendable, Hashable {
    /// Seconds since 1970.
    var wall: Int64
    /// Time since this process began to count.
    var uptime: Duration
}
