#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The body of `POST /containers/create`. Names are the Engine API's.
struct CreateContainerBody: Encodable {
    var image: String
    var entrypoint: [String]
    var arguments: [String]
    var user: String
    var workingDirectory: String
    var environment: [String]
    var labels: [String: String]
    var hostname: String?
    var exposedPorts: [String: Empty]
    var hostConfiguration: HostConfiguration

    struct Empty: Encodable {}

    enum CodingKeys: String, CodingKey {
        case image = "Image", entrypoint = "Entrypoint", arguments = "Cmd", user = "User"
        case workingDirectory = "WorkingDir", environment = "Env", labels = "Labels", hostname = "Hostname"
        case exposedPorts = "ExposedPorts", hostConfiguration = "HostConfig"
    }

    struct HostConfiguration: Encodable {
        var readonlyRootfs: Bool
        var capDrop = ["ALL"]
        var capAdd: [String]
        var securityOpt = ["no-new-privileges"]
        var nanoCpus: Int64?
        var cpusetCpus: String?
        var memory: Int64?
        var memorySwap: Int64?
        var pidsLimit: Int64?
        var shmSize: Int64?
        var storageOpt: [String: String]?
        var networkMode: String
        var tmpfs: [String: String]
        var mounts: [Mount]
        var portBindings: [String: [PortBinding]]
        var restartPolicy = RestartPolicy()
        var logConfiguration: LogConfiguration
        var deviceRequests: [DeviceRequest]?
        var privileged = false
        var publishAllPorts = false

        enum CodingKeys: String, CodingKey {
            case readonlyRootfs = "ReadonlyRootfs", capDrop = "CapDrop", capAdd = "CapAdd"
            case securityOpt = "SecurityOpt", nanoCpus = "NanoCpus", cpusetCpus = "CpusetCpus"
            case memory = "Memory", memorySwap = "MemorySwap", pidsLimit = "PidsLimit", shmSize = "ShmSize"
            case storageOpt = "StorageOpt", networkMode = "NetworkMode", tmpfs = "Tmpfs", mounts = "Mounts"
            case portBindings = "PortBindings", restartPolicy = "RestartPolicy"
            case logConfiguration = "LogConfig", deviceRequests = "DeviceRequests"
            case privileged = "Privileged", publishAllPorts = "PublishAllPorts"
        }
    }

    struct Mount: Encodable {
        var type = "volume"
        var source: String
        var target: String
        var readOnly: Bool

        enum CodingKeys: String, CodingKey {
            case type = "Type", source = "Source", target = "Target", readOnly = "ReadOnly"
        }
    }

    struct PortBinding: Encodable {
        var address: String
        var port: String

        enum CodingKeys: String, CodingKey {
            case address = "HostIp", port = "HostPort"
        }
    }

    struct RestartPolicy: Encodable {
        var name = "no"

        enum CodingKeys: String, CodingKey {
            case name = "Name"
        }
    }

    /// The log of a product in files of its own, which take a bound and can be read again by its API.
    struct LogConfiguration: Encodable {
        var type: String
        var options: [String: String]

        enum CodingKeys: String, CodingKey {
            case type = "Type", options = "Config"
        }

        init(_ product: EngineDescription.Product, megabytesMax: Int) {
            let size = "\(megabytesMax)m"
            switch product {
            case .docker: (type, options) = ("json-file", ["max-size": size, "max-file": "1"])
            case .podman: (type, options) = ("k8s-file", ["max-size": size])
            }
        }
    }

    struct DeviceRequest: Encodable {
        var driver = "nvidia"
        var ids: [String]
        var capabilities = [["gpu"]]

        enum CodingKeys: String, CodingKey {
            case driver = "Driver", ids = "DeviceIDs", capabilities = "Capabilities"
        }
    }

    init(_ spec: ContainerSpec, for product: EngineDescription.Product) throws(ContainerEngineError) {
        guard let program = spec.command.first else {
            throw ContainerEngineError(.invalidArgument, "A container needs a program to run.")
        }
        image = try EngineName.checkedImage(spec.image)
        entrypoint = [program]
        arguments = Array(spec.command.dropFirst())
        user = spec.user
        workingDirectory = spec.workingDirectory
        environment = spec.environment.map { "\($0.key)=\($0.value)" }.sorted()
        labels = spec.labels
        hostname = spec.hostname.isEmpty ? nil : spec.hostname
        var exposed: [String: Empty] = [:]
        var bindings: [String: [PortBinding]] = [:]
        for port in spec.ports {
            exposed["\(port.inside)/tcp"] = Empty()
            bindings["\(port.inside)/tcp", default: []].append(
                PortBinding(address: port.address, port: String(port.outside)))
        }
        exposedPorts = exposed
        var memoryFolders: [String: String] = [:]
        for folder in spec.memoryFolders {
            let execution = folder.isExecutable ? "exec" : "noexec"
            let mode = String(folder.mode & 0o7777, radix: 8)
            memoryFolders[folder.folder] = "rw,nosuid,nodev,\(execution),size=\(folder.bytes),mode=\(mode)"
        }
        var mounts: [Mount] = []
        for volume in spec.volumes {
            mounts.append(
                Mount(
                    source: try EngineName.checked(volume.volume), target: volume.folder,
                    readOnly: volume.isReadOnly))
        }
        let resources = spec.resources
        hostConfiguration = HostConfiguration(
            readonlyRootfs: !spec.isRootWritable, capAdd: spec.capabilities, nanoCpus: resources.nanoCPUs,
            cpusetCpus: resources.processors, memory: resources.memoryBytes,
            memorySwap: resources.memoryBytes,
            pidsLimit: resources.processesMax, shmSize: resources.sharedMemoryBytes,
            storageOpt: resources.writableLayerBytes.map { ["size": String($0)] },
            networkMode: try EngineName.checked(spec.network), tmpfs: memoryFolders, mounts: mounts,
            portBindings: bindings,
            logConfiguration: LogConfiguration(product, megabytesMax: resources.logMegabytesMax),
            deviceRequests: spec.gpuIDs.isEmpty ? nil : [DeviceRequest(ids: spec.gpuIDs)])
    }
}
