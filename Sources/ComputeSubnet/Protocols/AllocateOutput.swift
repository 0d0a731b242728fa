public import BittensorCore

/// The answer of `Allocate`: members that are `nil` are left out.
public struct AllocateOutput: Sendable, Hashable {
    /// Whether it was done, or is so; `nil` answers nothing.
    public var status: Bool?
    /// Base64 of the encrypted ``LeaseCredentials``.
    public var info: String?
    /// The port of SSH, also in answers that give no lease.
    public var port: Int?
    /// Where the container is reached; `nil`: at the address of the axon.
    public var sshAddress: String?
    /// The port of SSH of this lease.
    public var sshPort: Int?
    /// When the lease ends, seconds since 1970.
    public var expiresAt: Int64?

    /// An answer from its parts.
    public init(
        status: Bool? = nil, info: String? = nil, port: Int? = nil, sshAddress: String? = nil,
        sshPort: Int? = nil, expiresAt: Int64? = nil
    ) {
        self.status = status
        self.info = info
        self.port = port
        self.sshAddress = sshAddress
        self.sshPort = sshPort
        self.expiresAt = expiresAt
    }

    /// The answer that came from a miner. Unknown members are ignored; an empty object is an answer that
    /// says nothing, as after a failed call.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest` for members of the wrong type.
    public init(_ json: JSONValue) throws(ComputeError) {
        let reader = try FieldReader(json, "output")
        self.status = reader.has("status") ? try reader.bool("status", default: false) : nil
        self.info = reader.has("info") ? try reader.text("info", bytesMax: 8192, default: "") : nil
        self.port = reader.has("port") ? try reader.int("port", in: 0...65535, default: 0) : nil
        self.sshAddress =
            reader.has("ssh_address") ? try reader.text("ssh_address", bytesMax: 255, default: "") : nil
        self.sshPort = reader.has("ssh_port") ? try reader.int("ssh_port", in: 0...65535, default: 0) : nil
        self.expiresAt =
            reader.has("expires_at")
            ? Int64(try reader.int("expires_at", in: 0...(1 << 53), default: 0)) : nil
    }

    /// The member `output` of the answer.
    public var json: JSONValue {
        var object = JSONObject()
        object["status"] = self.status.map { .bool($0) }
        object["info"] = self.info.map { .string($0) }
        object["port"] = self.port.map { .int($0) }
        object["ssh_address"] = self.sshAddress.map { .string($0) }
        object["ssh_port"] = self.sshPort.map { .int($0) }
        object["expires_at"] = self.expiresAt.map { .int(Int($0)) }
        return .object(object)
    }
}
