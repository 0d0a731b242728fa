public import BittensorCore

/// `POST /Allocate`: asks for, gets, changes and gives back a container on a miner.
///
/// Layout (JSON members, in this order): `timeline` (int; seconds or days, see ``ComputeProfile``),
/// `device_requirement` (object), `checking` (bool), `output` (object, the answer), `public_key` (PEM text),
/// `docker_requirement` (object, replaced as a whole when sent), `docker_change` (bool), `docker_action`
/// (object). What the members mean together says ``AllocateRequest``.
public struct Allocate: Synapse {
    public static let name = "Allocate"
    public static let fields: [SynapseField] = [
        .optional("timeline", .int, default: 0),
        // One caller of the reference sends "" here, so it is not held to be an object.
        .optional("device_requirement", .any, default: [:]),
        .optional("checking", .bool, default: true),
        .optional("output", .dict, default: [:]),
        .optional("public_key", .string, default: ""),
        .optional("docker_requirement", .dict, default: Self.dockerRequirementDefault),
        .optional("docker_change", .bool, default: false),
        .optional("docker_action", .dict, default: Self.dockerActionDefault),
    ]

    /// The container of a request that names none.
    public static let dockerRequirementDefault: JSONValue = [
        "base_image": "ubuntu", "ssh_key": "", "ssh_port": 4444, "volume_path": "/tmp", "dockerfile": "",
    ]
    /// The action of a request that names none.
    public static let dockerActionDefault: JSONValue = ["action": "", "ssh_key": "", "key_type": ""]

    public var head = SynapseHead()
    /// How long, in units of the profile.
    public var timeline = 0
    /// What hardware is needed; see ``DeviceRequirement``.
    public var deviceRequirement: JSONValue = [:]
    /// Whether to ask only.
    public var checking = true
    /// The answer; see ``AllocateOutput``.
    public var output: JSONValue = [:]
    /// RSA public key of the requester, PEM: the credentials come encrypted with it.
    public var publicKey = ""
    /// What container is wanted; see ``DockerRequirement``.
    public var dockerRequirement: JSONValue = Self.dockerRequirementDefault
    /// Whether to change the running container.
    public var dockerChange = false
    /// What to change; see ``DockerAction``.
    public var dockerAction: JSONValue = Self.dockerActionDefault

    /// The request of the defaults: is anything free, for no time at all?
    public init() {}

    /// A request of an operation, in the units of a profile.
    public init(_ request: AllocateRequest, profile: ComputeProfile) {
        self.publicKey = request.publicKey
        switch request.operation {
        case .checkAvailability(let requirement):
            self.timeline = 1
            self.deviceRequirement = requirement?.json ?? [:]
        case .checkLease:
            self.timeline = 0
        case .change(let action):
            self.checking = false
            self.dockerChange = true
            // As the reference's callers do: 1 with a change of keys, 0 with the other actions.
            self.timeline = action.kind == .exchangeKey ? 1 : 0
            self.dockerAction = action.json
        case .changeUnknown(let name):
            self.checking = false
            self.dockerChange = true
            self.dockerAction = ["action": .string(name), "ssh_key": "", "key_type": ""]
        case .allocate(let duration, let device, let docker):
            self.checking = false
            self.timeline = profile.timeline(for: duration)
            self.deviceRequirement = device.json
            self.dockerRequirement = docker.json
        case .deallocate:
            self.checking = false
        }
    }

    /// ``output``.
    public func deserialize() -> JSONValue { self.output }
}
