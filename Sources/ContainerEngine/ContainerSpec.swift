/// What a container is to be, in the terms that this project uses of the Engine API.
///
/// The defaults are the strict ones: no capability, no new privileges, a read-only root, no restart by the
/// engine.
package struct ContainerSpec: Sendable, Hashable {
    /// The image, by id or reference. It must be on the machine: creating never pulls.
    package var image: String
    /// The program and its arguments, each its own entry. No shell is involved.
    package var command: [String]
    /// `uid:gid` of the program.
    package var user: String
    /// Folder in which it starts.
    package var workingDirectory = "/"
    /// Its environment, beside what the image sets.
    package var environment: [String: String] = [:]
    /// Marks by which ``ContainerEngine/containers(label:value:)`` finds it.
    package var labels: [String: String] = [:]
    /// The name of the machine inside.
    package var hostname = ""
    /// Limits that the engine is told to enforce.
    package var resources = Resources()
    /// Whether the root file system can be written.
    package var isRootWritable = false
    /// Capabilities that are added to none.
    package var capabilities: [String] = []
    /// Named volumes, by the folder where each appears.
    package var volumes: [VolumeMount] = []
    /// Folders in memory.
    package var memoryFolders: [MemoryFolder] = []
    /// Network to join; `none` has no interface but the loopback.
    package var network = "none"
    /// TCP ports inside, published outside.
    package var ports: [PublishedPort] = []
    /// GPUs that it may use, by the id the driver gives them.
    package var gpuIDs: [String] = []

    /// Limits on what a container uses. Nil and zero mean that the engine sets none.
    package struct Resources: Sendable, Hashable {
        /// Billionths of a processor's time.
        package var nanoCPUs: Int64?
        /// Processors it may run on, such as `0-3`.
        package var processors: String?
        /// Memory in bytes; swap is not given on top.
        package var memoryBytes: Int64?
        /// Processes and threads at once.
        package var processesMax: Int64?
        /// Size of `/dev/shm` in bytes; it counts as memory.
        package var sharedMemoryBytes: Int64?
        /// Size of the writable layer in bytes. Engines refuse what their storage driver cannot do.
        package var writableLayerBytes: Int64?
        /// Megabytes of its program's output that the engine keeps for its log; what is older is dropped.
        /// Always set, because engines set no bound by themselves.
        package var logMegabytesMax = 10

        /// No limits but that of the log.
        package init() {}
    }

    /// A named volume at a folder.
    package struct VolumeMount: Sendable, Hashable {
        package var volume: String
        package var folder: String
        package var isReadOnly: Bool

        package init(volume: String, folder: String, isReadOnly: Bool = false) {
            self.volume = volume
            self.folder = folder
            self.isReadOnly = isReadOnly
        }
    }

    /// A folder in memory, of bounded size.
    package struct MemoryFolder: Sendable, Hashable {
        package var folder: String
        package var bytes: Int64
        package var mode: UInt16
        package var isExecutable: Bool

        package init(folder: String, bytes: Int64, mode: UInt16, isExecutable: Bool = false) {
            self.folder = folder
            self.bytes = bytes
            self.mode = mode
            self.isExecutable = isExecutable
        }
    }

    /// A TCP port, published at an address of the machine.
    package struct PublishedPort: Sendable, Hashable {
        package var inside: UInt16
        package var address: String
        package var outside: UInt16

        package init(inside: UInt16, address: String, outside: UInt16) {
            self.inside = inside
            self.address = address
            self.outside = outside
        }
    }

    /// A container of an image, running one program.
    package init(image: String, command: [String], user: String) {
        self.image = image
        self.command = command
        self.user = user
    }
}
