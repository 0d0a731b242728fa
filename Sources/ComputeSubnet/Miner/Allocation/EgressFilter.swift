#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What a tenant may reach from its container.
package enum EgressPolicy: Sendable, Hashable {
    /// Everything that the host can reach.
    case open
    /// The internet, but no private or link-local network, no cloud metadata service, and no service of the
    /// host except name resolution. Needs root and iptables.
    case publicOnly

    /// Addresses that are not public (RFC 6890).
    static let privateRanges = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
    ]
}

/// The packet filter of one lease's network, two chains of the host's iptables.
///
/// Answers to connections from outside pass: a tenant on the same LAN can log in.
struct EgressFilter: Sendable {
    let limits: MinerLimits

    /// Chains have at most 28 characters.
    private func chains(_ lease: String) -> (forward: String, input: String) {
        ("SUBNET-F-\(lease.prefix(16))", "SUBNET-I-\(lease.prefix(16))")
    }

    /// Puts the filter in place before the network's first user.
    ///
    /// - Throws: `notAvailable` when it cannot be.
    func install(lease: String, subnets: [String]) async throws {
        guard geteuid() == 0, let iptables = HostCommand(named: "iptables") else {
            throw ComputeError(
                .notAvailable,
                "What a tenant may reach cannot be limited: that needs root and iptables (or egress: open).")
        }
        guard !subnets.isEmpty, subnets.allSatisfy({ !$0.contains(":") }) else {
            throw ComputeError(
                .notAvailable, "The container network is not IPv4, which is what can be filtered.")
        }
        try await remove(lease: lease)
        let (forward, input) = chains(lease)
        do {
            for chain in [forward, input] {
                try await run(iptables, ["-N", chain])
                try await run(
                    iptables,
                    ["-A", chain, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "RETURN"])
            }
            for range in EgressPolicy.privateRanges {
                try await run(iptables, ["-A", forward, "-d", range, "-j", "DROP"])
            }
            for transport in ["udp", "tcp"] {
                try await run(iptables, ["-A", input, "-p", transport, "--dport", "53", "-j", "RETURN"])
            }
            try await run(iptables, ["-A", input, "-j", "DROP"])
            // Docker asks for its user's rules in a chain of their own, which it leaves alone.
            let hasDockerChain = try await attempt(iptables, ["-S", "DOCKER-USER"]).isSuccess
            for subnet in subnets {
                try await run(
                    iptables,
                    ["-I", hasDockerChain ? "DOCKER-USER" : "FORWARD", "1", "-s", subnet, "-j", forward])
                try await run(iptables, ["-I", "INPUT", "1", "-s", subnet, "-j", input])
            }
        } catch let error as ComputeError {
            throw ComputeError(
                .notAvailable, "What a tenant may reach cannot be limited: \(error.message)", cause: error)
        }
    }

    /// Takes it away. Nothing there is a success.
    func remove(lease: String) async throws {
        guard geteuid() == 0, let iptables = HostCommand(named: "iptables") else { return }
        let (forward, input) = chains(lease)
        for (parents, chain) in [(["FORWARD", "DOCKER-USER"], forward), (["INPUT"], input)] {
            guard try await attempt(iptables, ["-S", chain]).isSuccess else { continue }
            for parent in parents {
                let listing = try await attempt(iptables, ["-S", parent])
                guard listing.isSuccess else { continue }
                for line in listing.output.split(separator: "\n") where line.hasSuffix(" -j \(chain)") {
                    let words = line.split(separator: " ").map(String.init)
                    guard words.first == "-A" else { continue }
                    try await run(iptables, ["-D"] + words.dropFirst())
                }
            }
            try await run(iptables, ["-F", chain])
            try await run(iptables, ["-X", chain])
        }
    }

    private func attempt(_ iptables: HostCommand, _ arguments: [String]) async throws -> HostCommand.Ending {
        try await iptables.run(
            ["-w", "5"] + arguments, timeout: limits.commandTimeout,
            outputBytesMax: limits.commandOutputBytesMax)
    }

    private func run(_ iptables: HostCommand, _ arguments: [String]) async throws {
        try await iptables.succeed(
            ["-w", "5"] + arguments, timeout: limits.commandTimeout,
            outputBytesMax: limits.commandOutputBytesMax)
    }
}
