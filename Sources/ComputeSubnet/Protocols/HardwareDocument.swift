/// The hardware of a miner, as `specs_output` carries it.
///
/// A miner says of itself what it likes: every figure here is a claim until a challenge or a proof bears it
/// out. Sections that could not be read are absent.
public struct HardwareDocument: Sendable, Hashable {
    /// The processors.
    public struct CPU: Sendable, Hashable {
        /// Physical cores.
        public var count: Int
        /// Present clock, MHz.
        public var frequency: Double?
        /// The vendor as the processor names it, `AuthenticAMD` for example.
        public var vendorIDRaw: String?
        /// The model.
        public var brand: String?

        /// A section from its parts.
        public init(
            count: Int, frequency: Double? = nil, vendorIDRaw: String? = nil, brand: String? = nil
        ) {
            self.count = count
            self.frequency = frequency
            self.vendorIDRaw = vendorIDRaw
            self.brand = brand
        }
    }

    /// The GPUs together.
    public struct GPU: Sendable, Hashable {
        /// How many.
        public var count: Int
        /// Memory of all of them, MiB.
        public var capacity: Double
        /// Each of them.
        public var details: [GPUDetail]
        /// Clock of the first one's cores, MHz.
        public var graphicsSpeed: Int?
        /// Clock of the first one's memory, MHz.
        public var memorySpeed: Int?

        /// A section from its parts.
        public init(
            count: Int, capacity: Double, details: [GPUDetail], graphicsSpeed: Int? = nil,
            memorySpeed: Int? = nil
        ) {
            self.count = count
            self.capacity = capacity
            self.details = details
            self.graphicsSpeed = graphicsSpeed
            self.memorySpeed = memorySpeed
        }
    }

    /// One GPU.
    public struct GPUDetail: Sendable, Hashable {
        /// The model, `NVIDIA A40` for example.
        public var name: String
        /// Memory, MiB.
        public var capacity: Double
        /// Its UUID, `GPU-…`.
        public var uuid: String?
        /// Its serial number.
        public var serial: String?
        /// Where it is on the bus.
        public var pciBusID: String?
        /// The version of the driver.
        public var driverVersion: String?

        /// A GPU from its parts.
        public init(
            name: String, capacity: Double, uuid: String? = nil, serial: String? = nil,
            pciBusID: String? = nil, driverVersion: String? = nil
        ) {
            self.name = name
            self.capacity = capacity
            self.uuid = uuid
            self.serial = serial
            self.pciBusID = pciBusID
            self.driverVersion = driverVersion
        }
    }

    /// The disk that leases live on.
    public struct Disk: Sendable, Hashable {
        /// Bytes.
        public var total: Int64
        /// Bytes.
        public var free: Int64
        /// Bytes.
        public var used: Int64
        /// MB/s.
        public var writeSpeed: Double?
        /// MB/s.
        public var readSpeed: Double?

        /// A section from its parts.
        public init(
            total: Int64, free: Int64, used: Int64, writeSpeed: Double? = nil, readSpeed: Double? = nil
        ) {
            self.total = total
            self.free = free
            self.used = used
            self.writeSpeed = writeSpeed
            self.readSpeed = readSpeed
        }
    }

    /// The memory, all in bytes and the speeds in MB/s.
    public struct RAM: Sendable, Hashable {
        /// Bytes.
        public var total: Int64
        /// Bytes that a new process could have.
        public var available: Int64
        /// Bytes.
        public var used: Int64
        /// Bytes.
        public var free: Int64
        /// Bytes.
        public var swapTotal: Int64
        /// Bytes.
        public var swapUsed: Int64
        /// Bytes.
        public var swapFree: Int64
        /// MB/s.
        public var readSpeed: Double?
        /// MB/s.
        public var writeSpeed: Double?

        /// A section from its parts.
        public init(
            total: Int64, available: Int64, used: Int64, free: Int64, swapTotal: Int64 = 0,
            swapUsed: Int64 = 0, swapFree: Int64 = 0, readSpeed: Double? = nil, writeSpeed: Double? = nil
        ) {
            self.total = total
            self.available = available
            self.used = used
            self.free = free
            self.swapTotal = swapTotal
            self.swapUsed = swapUsed
            self.swapFree = swapFree
            self.readSpeed = readSpeed
            self.writeSpeed = writeSpeed
        }
    }

    /// The network.
    public struct Network: Sendable, Hashable {
        /// The names of the interfaces that are up.
        public var interfaces: [String]
        /// Bytes received since the machine started.
        public var readBytes: Int64?
        /// Bytes sent since the machine started.
        public var writeBytes: Int64?

        /// A section from its parts.
        public init(interfaces: [String], readBytes: Int64? = nil, writeBytes: Int64? = nil) {
            self.interfaces = interfaces
            self.readBytes = readBytes
            self.writeBytes = writeBytes
        }
    }

    /// The processors.
    public var cpu: CPU?
    /// The GPUs.
    public var gpu: GPU?
    /// The disk.
    public var hardDisk: Disk?
    /// The memory.
    public var ram: RAM?
    /// The network.
    public var network: Network?
    /// Whether a container engine answers.
    public var hasDocker: Bool
    /// Which engine, and its version.
    public var containerEngine: String?

    /// A document from its parts.
    public init(
        cpu: CPU? = nil, gpu: GPU? = nil, hardDisk: Disk? = nil, ram: RAM? = nil, network: Network? = nil,
        hasDocker: Bool = false, containerEngine: String? = nil
    ) {
        self.cpu = cpu
        self.gpu = gpu
        self.hardDisk = hardDisk
        self.ram = ram
        self.network = network
        self.hasDocker = hasDocker
        self.containerEngine = containerEngine
    }
}
