internal import BittensorCore

/// What a caller of `Allocate` wants: the members `checking`, `docker_change` and `timeline` decided into one
/// operation.
///
/// | checking | docker_change | timeline | operation |
/// |---|---|---|---|
/// | true | any | > 0 | ``Operation/checkAvailability(_:)`` |
/// | true | any | 0 | ``Operation/checkLease`` |
/// | false | true | any | ``Operation/change(_:)``, ``Operation/changeUnknown(_:)`` |
/// | false | false | > 0 | ``Operation/allocate(duration:_:_:)`` |
/// | false | false | 0 | ``Operation/deallocate`` |
public struct AllocateRequest: Sendable, Hashable {
    /// What to do.
    public enum Operation: Sendable, Hashable {
        /// Could there be a lease now? With the need, when the request names one.
        case checkAvailability(DeviceRequirement?)
        /// Is the caller's lease alive?
        case checkLease
        /// Change the caller's container.
        case change(DockerAction)
        /// An action that does not exist: nothing happens, and the answer says nothing.
        case changeUnknown(String)
        /// A new lease.
        case allocate(duration: Duration, DeviceRequirement, DockerRequirement)
        /// The end of the caller's lease.
        case deallocate
    }

    /// What to do.
    public var operation: Operation
    /// RSA public key of the requester, PEM; empty where the request has none.
    public var publicKey: String

    /// Most bytes of a public key.
    public static let publicKeyBytesMax = 4096

    /// A request from its parts.
    public init(_ operation: Operation, publicKey: String = "") {
        self.operation = operation
        self.publicKey = publicKey
    }

    /// The request of a synapse, with `timeline` in the unit of `profile`.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest` and the member that is wrong.
    public init(_ synapse: Allocate, profile: ComputeProfile) throws(ComputeError) {
        guard synapse.publicKey.utf8.count <= Self.publicKeyBytesMax else {
            throw ComputeError(
                .malformedRequest, "public_key has more than \(Self.publicKeyBytesMax) bytes.")
        }
        let duration = try profile.duration(timeline: synapse.timeline)
        self.publicKey = synapse.publicKey
        switch (synapse.checking, synapse.dockerChange, synapse.timeline) {
        case (true, _, 0):
            self.operation = .checkLease
        case (true, _, _):
            let isEmpty = synapse.deviceRequirement.objectValue?.isEmpty ?? true
            self.operation = .checkAvailability(
                isEmpty ? nil : try DeviceRequirement(synapse.deviceRequirement))
        case (false, true, _):
            if let action = try DockerAction(synapse.dockerAction) {
                self.operation = .change(action)
            } else {
                self.operation = .changeUnknown(synapse.dockerAction["action"]?.stringValue ?? "")
            }
        case (false, false, 0):
            self.operation = .deallocate
        case (false, false, _):
            self.operation = .allocate(
                duration: duration, try DeviceRequirement(synapse.deviceRequirement),
                try DockerRequirement(synapse.dockerRequirement))
        }
    }
}
