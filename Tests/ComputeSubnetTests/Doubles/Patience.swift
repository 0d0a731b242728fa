import Bittensor

@testable import ComputeSubnet

// A machine that is busy with other tests must not look like a hook, a program or a container that hangs.

extension Axon.Configuration {
    /// On a free port.
    static var patient: Self {
        var configuration = Self()
        configuration.port = 0
        configuration.limits.hookDeadline = .seconds(50)
        return configuration
    }
}

extension MinerLimits {
    /// With what a test of leases reserves and measures.
    static var patient: Self {
        var limits = Self()
        limits.greetingTimeout = .seconds(50)
        limits.commandTimeout = .seconds(50)
        limits.diskBytesReserved = 1 << 20
        limits.speedProbeBytes = 1 << 16
        return limits
    }
}
