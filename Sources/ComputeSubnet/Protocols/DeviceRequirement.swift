public import BittensorCore

/// What hardware a lease needs.
public struct DeviceRequirement: Sendable, Hashable {
    /// What GPUs a lease needs.
    public struct GPU: Sendable, Hashable {
        /// How many, 1 or more.
        public var count: Int
        /// Least memory of each, MiB; 0 is any.
        public var capacityMiB: Int
        /// A part of the name of the model, compared without case; empty is any.
        public var type: String

        /// A need from its parts.
        public init(count: Int, capacityMiB: Int = 0, type: String = "") {
            self.count = count
            self.capacityMiB = capacityMiB
            self.type = type
        }
    }

    /// CPU cores, 1 or more.
    public var cpuCount: Int
    /// Memory in bytes.
    public var ramBytes: Int64
    /// Disk in bytes.
    public var hardDiskBytes: Int64
    /// GPUs; `nil` when none are wanted.
    public var gpu: GPU?
    /// Whether a validator only tests.
    public var isTesting: Bool

    /// A need from its parts.
    public init(
        cpuCount: Int = 1, ramBytes: Int64 = 1 << 30, hardDiskBytes: Int64 = 1 << 30, gpu: GPU? = nil,
        isTesting: Bool = false
    ) {
        self.cpuCount = cpuCount
        self.ramBytes = ramBytes
        self.hardDiskBytes = hardDiskBytes
        self.gpu = gpu
        self.isTesting = isTesting
    }

    /// The need of a request. `cpu`, `gpu`, `ram` and `hard_disk` must all be there, as the reference wants
    /// it; `gpu` may be `{}` or have the count 0.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest`.
    public init(_ json: JSONValue) throws(ComputeError) {
        let path = "device_requirement"
        let reader = try FieldReader(json, path)
        func section(_ name: String) throws(ComputeError) -> FieldReader {
            guard let value = reader.value(name) else { throw reader.wrong(name, "is missing") }
            return try FieldReader(value, "\(path).\(name)")
        }
        let (cpu, ram, disk) = (try section("cpu"), try section("ram"), try section("hard_disk"))
        let gpu = try section("gpu")
        self.cpuCount = try cpu.int("count", in: 1...4096, default: 1)
        self.ramBytes = Int64(try Self.bytes(ram))
        self.hardDiskBytes = Int64(try Self.bytes(disk))
        let count = try gpu.int("count", in: 0...64, default: 0)
        self.gpu =
            count == 0
            ? nil
            : GPU(
                count: count, capacityMiB: try gpu.int("capacity", in: 0...(1 << 24), default: 0),
                type: try gpu.text("type", bytesMax: 128, default: ""))
        self.isTesting = try reader.bool("testing", default: false)
    }

    private static func bytes(_ section: FieldReader) throws(ComputeError) -> Int {
        guard section.has("capacity") else { throw section.wrong("capacity", "is missing") }
        return try section.int("capacity", in: 1...(1 << 50), default: 0)
    }

    /// The member `device_requirement` of a request.
    public var json: JSONValue {
        var object: JSONObject = [
            "cpu": ["count": .int(self.cpuCount)],
            "gpu": self.gpu.map {
                ["count": .int($0.count), "capacity": .int($0.capacityMiB), "type": .string($0.type)]
            } ?? [:],
            "hard_disk": ["capacity": .int(Int(self.hardDiskBytes))],
            "ram": ["capacity": .int(Int(self.ramBytes))],
        ]
        if self.isTesting { object["testing"] = true }
        return .object(object)
    }
}
