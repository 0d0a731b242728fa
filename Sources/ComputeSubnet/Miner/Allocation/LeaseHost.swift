/// What carries out the orders of a lease machine: the container engine, or a stand-in.
protocol LeaseHost: Sendable {
    /// The image of a reference, by content.
    ///
    /// - Throws: `notAvailable` when it is not on the machine.
    func imageID(of reference: String) async throws -> String

    /// Makes the container of a lease and returns when its tenant can log in, with every limit verified.
    /// Whatever it throws, parts may exist: ``tearDown(_:)`` follows.
    func prepare(_ lease: Lease, hostKey: SSHHostKey) async throws

    /// Carries out a change. The lease is as before it.
    func change(_ lease: Lease, _ change: LeaseChange) async throws

    /// Removes every part of a lease that exists. It may be called any number of times.
    func tearDown(_ lease: Lease) async throws

    /// Looks at the container of a lease.
    func sight(_ lease: Lease) async throws -> LeaseSighting

    /// Removes parts of leases other than `id` that carry this miner's mark. What cannot be removed is left
    /// for the next time.
    ///
    /// - Returns: The ids of those leases of which nothing is left.
    func removeOrphans(except id: String?) async throws -> [String]
}
