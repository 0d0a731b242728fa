/// Every bound of the miner, in one place.
package struct MinerLimits: Sendable, Hashable {
    /// Ended leases that are kept for the record.
    package var endedLeasesMax = 1000
    /// Orders and ticks that wait for the one worker that talks to the engine.
    package var queuedJobsMax = 32
    /// Callers that wait for one lease to be ready or gone.
    package var waitersMax = 32
    /// Time for a container to be made ready, its clean-up not counted.
    package var preparationTimeout: Duration = .seconds(90)
    /// Time for a change: restart, pause, new key.
    package var changeTimeout: Duration = .seconds(60)
    /// Time for a clean-up before it counts as failed and is tried again.
    package var tearDownTimeout: Duration = .seconds(90)
    /// How often the container is compared with the lease, and orphans are looked for.
    package var sweepInterval: Duration = .seconds(20)
    /// Longest pause between two tries to clean up.
    package var tearDownBackoffMax: Duration = .seconds(60)
    /// How often a container whose program ended is started again before its lease ends.
    package var revivalsMax = 3
    /// Time a container's program has to end by itself when it is restarted.
    package var stopGrace: Duration = .seconds(2)
    /// Time for the container's SSH server to greet.
    package var greetingTimeout: Duration = .seconds(20)

    /// Least memory of a lease: requests below it get this much.
    package var memoryBytesMin: Int64 = 64 << 20
    /// Memory of the machine that is never leased.
    package var memoryBytesReserved: Int64 = 256 << 20
    /// Least disk of a lease: requests below it get this much.
    package var diskBytesMin: Int64 = 32 << 20
    /// Disk of the machine that is never leased.
    package var diskBytesReserved: Int64 = 1 << 30
    /// Processes and threads of a lease.
    package var processesMax: Int64 = 2048
    /// Largest `/dev/shm` of a lease; it is part of its memory.
    package var sharedMemoryBytesMax: Int64 = 8 << 30

    /// Bytes that a helper program of the host may print.
    package var commandOutputBytesMax = 64 << 10
    /// Time that a helper program of the host may take.
    package var commandTimeout: Duration = .seconds(10)
    /// Time for a file system to be made.
    package var formatTimeout: Duration = .seconds(60)

    /// How long what changes rarely counts as known: the processor's name, the GPUs, measured speeds.
    package var slowFactsTTL: Duration = .seconds(600)
    /// How long the engine's answer to "are you there" counts.
    package var engineFactTTL: Duration = .seconds(15)
    /// Bytes written to measure the disk, and copied to measure the memory.
    package var speedProbeBytes = 32 << 20

    /// The default bounds.
    package init() {}
}
