public import BittensorCore

/// What container a lease wants. Text from a stranger: whoever uses a member checks it for that use.
public struct DockerRequirement: Sendable, Hashable {
    /// The image to start from.
    public var baseImage: String
    /// A line of an authorized_keys file; empty for none.
    public var sshKey: String
    /// The port on the host; the miner's configuration decides.
    public var sshPort: Int
    /// Where a volume is mounted.
    public var volumePath: String
    /// Further build instructions.
    public var dockerfile: String

    /// A wish from its parts.
    public init(
        baseImage: String = "ubuntu", sshKey: String = "", sshPort: Int = 4444, volumePath: String = "/tmp",
        dockerfile: String = ""
    ) {
        self.baseImage = baseImage
        self.sshKey = sshKey
        self.sshPort = sshPort
        self.volumePath = volumePath
        self.dockerfile = dockerfile
    }

    /// The wish of a request; absent members have the defaults of the list, and no key is no key.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest`.
    public init(_ json: JSONValue) throws(ComputeError) {
        let reader = try FieldReader(json, "docker_requirement")
        self.init(
            baseImage: try reader.text("base_image", bytesMax: 512, default: "ubuntu"),
            sshKey: try reader.text("ssh_key", bytesMax: 8192, default: ""),
            sshPort: try reader.int("ssh_port", in: 0...65535, default: 4444),
            volumePath: try reader.text("volume_path", bytesMax: 1024, default: "/tmp"),
            dockerfile: try reader.text("dockerfile", bytesMax: 8192, default: ""))
    }

    /// The member `docker_requirement` of a request.
    public var json: JSONValue {
        [
            "base_image": .string(self.baseImage), "ssh_key": .string(self.sshKey),
            "ssh_port": .int(self.sshPort), "volume_path": .string(self.volumePath),
            "dockerfile": .string(self.dockerfile),
        ]
    }
}

/// What to do to a running container.
public struct DockerAction: Sendable, Hashable {
    /// The actions there are.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case restart, pause, unpause
        case exchangeKey = "exchange_key"
    }

    /// Whose key is exchanged.
    public enum KeyType: String, Sendable, Hashable, CaseIterable {
        case user, terminal
    }

    /// What to do.
    public var kind: Kind
    /// The new key, with ``Kind/exchangeKey``.
    public var sshKey: String
    /// Whose key, with ``Kind/exchangeKey``.
    public var keyType: KeyType

    /// An action from its parts.
    public init(_ kind: Kind, sshKey: String = "", keyType: KeyType = .user) {
        self.kind = kind
        self.sshKey = sshKey
        self.keyType = keyType
    }

    /// The action of a request; `nil` when there is no such action. `resume` is another name of `unpause`.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest`.
    public init?(_ json: JSONValue) throws(ComputeError) {
        let reader = try FieldReader(json, "docker_action")
        let name = try reader.text("action", bytesMax: 64, default: "")
        guard let kind = name == "resume" ? .unpause : Kind(rawValue: name) else { return nil }
        let sshKey = try reader.text("ssh_key", bytesMax: 8192, default: "")
        let keyName = try reader.text("key_type", bytesMax: 64, default: "")
        guard let keyType = KeyType(rawValue: keyName) ?? (kind == .exchangeKey ? nil : .user) else {
            throw reader.wrong("key_type", "must be user or terminal")
        }
        self.init(kind, sshKey: sshKey, keyType: keyType)
    }

    /// The member `docker_action` of a request.
    public var json: JSONValue {
        [
            "action": .string(self.kind.rawValue), "ssh_key": .string(self.sshKey),
            "key_type": .string(self.kind == .exchangeKey ? self.keyType.rawValue : ""),
        ]
    }
}
