internal import BittensorCore

/// The calls that a validator makes to a miner, typed. What a miner answers is a stranger's word: it is
/// checked, and what does not fit is no answer.
package struct MinerClient: Sendable {
    /// How a lease was granted.
    package struct Grant: Sendable, Hashable {
        /// How to log in.
        package var credentials: LeaseCredentials
        /// Where, when the miner says; else at the address of its axon.
        package var sshAddress: String?
        /// The port of SSH.
        package var sshPort: Int
        /// When it ends, seconds since 1970.
        package var expiresAt: Int64?
    }

    private let dialer: any MinerDialer
    /// The unit of time that the miners expect.
    package let profile: ComputeProfile
    private let limits: ValidatorLimits

    /// A client over `dialer`.
    package init(dialer: any MinerDialer, profile: ComputeProfile, limits: ValidatorLimits) {
        self.dialer = dialer
        self.profile = profile
        self.limits = limits
    }

    /// What a miner says it has; `nil` when it says nothing that can be read.
    package func specs(of miner: Neuron) async -> HardwareDocument? {
        let answer = await self.dialer.call(Specs(), to: miner, timeout: self.limits.specsTimeout)
        guard answer.isSuccess else { return nil }
        return try? HardwareDocument(text: answer.specsOutput)
    }

    /// What a miner answers to a challenge; `nil` when nothing that can be read.
    package func challenge(_ request: ChallengeRequest, to miner: Neuron) async -> ChallengeOutput? {
        let answer = await self.dialer.call(
            Challenge(request), to: miner, timeout: self.limits.challengeTimeout)
        guard answer.isSuccess else { return nil }
        return try? ChallengeOutput(answer.output)
    }

    /// Whether a miner is free; `nil` when it does not answer.
    package func isAvailable(
        _ miner: Neuron, for requirement: DeviceRequirement? = nil, timeout: Duration? = nil
    ) async -> Bool? {
        await self.allocate(.checkAvailability(requirement), miner, timeout ?? self.limits.checkTimeout)?
            .status
    }

    /// Whether our lease on a miner lives; `nil` when it does not answer.
    package func isLeaseAlive(_ miner: Neuron, publicKey: String) async -> Bool? {
        await self.allocate(.checkLease, miner, self.limits.checkTimeout, publicKey: publicKey)?.status
    }

    /// Asks for a lease.
    ///
    /// - Throws: ``ComputeError`` with `notAvailable` when the miner says no, `timedOut` when it says
    ///   nothing, `malformedRequest` when its answer cannot be used. After the last one a lease may exist, so
    ///   the caller should end it.
    package func allocate(
        _ miner: Neuron, duration: Duration, device: DeviceRequirement, docker: DockerRequirement,
        keys: CredentialKeys
    ) async throws(ComputeError) -> Grant {
        let output = await self.allocate(
            .allocate(duration: duration, device, docker), miner, self.limits.allocateTimeout,
            publicKey: keys.publicKey)
        guard let output else {
            throw ComputeError(.timedOut, "The miner \(miner.hotkey) does not answer.")
        }
        guard output.status == true, let info = output.info else {
            throw ComputeError(.notAvailable, "The miner \(miner.hotkey) gives no lease.")
        }
        let credentials = try keys.credentials(info: info)
        let port = output.sshPort ?? output.port ?? credentials.port
        guard (1...65535).contains(port) else {
            throw ComputeError(.malformedRequest, "The miner \(miner.hotkey) names no port of SSH.")
        }
        return Grant(
            credentials: credentials, sshAddress: output.sshAddress, sshPort: port,
            expiresAt: output.expiresAt)
    }

    /// Ends a lease; asks again a few times.
    ///
    /// - Returns: What the miner says, `nil` when it never answered.
    package func deallocate(
        _ miner: Neuron, publicKey: String, sleep: @Sendable (Duration) async throws -> Void
    ) async -> Bool? {
        var last: Bool?
        for attempt in 1...max(1, self.limits.deallocateTries) {
            last = await self.allocate(
                .deallocate, miner, self.limits.deallocateTimeout, publicKey: publicKey)?.status
            if last == true || attempt == self.limits.deallocateTries { break }
            do { try await sleep(self.limits.deallocatePause) } catch { break }
        }
        return last
    }

    /// Changes the container of a lease.
    ///
    /// - Returns: What the miner says, `nil` when it does not answer.
    package func change(_ miner: Neuron, _ action: DockerAction, publicKey: String) async -> Bool? {
        await self.allocate(
            .change(action), miner, self.limits.deallocateTimeout, publicKey: publicKey)?.status
    }

    private func allocate(
        _ operation: AllocateRequest.Operation, _ miner: Neuron, _ timeout: Duration, publicKey: String = ""
    ) async -> AllocateOutput? {
        let synapse = Allocate(
            AllocateRequest(operation, publicKey: publicKey), profile: self.profile)
        let answer = await self.dialer.call(synapse, to: miner, timeout: timeout)
        guard answer.isSuccess else { return nil }
        return try? AllocateOutput(answer.output)
    }
}
