internal import BittensorCore

extension ResourceAPI {
    /// What a request is answered.
    func answer(_ request: APIRequest) async throws -> APIReply {
        switch request.route.name {
        case .root: .bare(["message": "Welcome to the resource API of a compute subnet validator."])
        case .openAPI: .bare(OpenAPIDocument.json)
        // It is answered before its members are looked at.
        case .connect: .failure(426, "This route speaks WebSocket only.")
        case .allocateSpec: try await self.allocateSpec(request)
        case .allocateHotkey: try await self.allocateHotkey(request)
        case .deallocate: try await self.deallocate(request)
        case .checkMinerStatus: try await self.checkMinerStatus(request)
        case .restartDocker: try await self.change(request, DockerAction(.restart), "restarted")
        case .pauseDocker: try await self.change(request, DockerAction(.pause), "paused")
        case .unpauseDocker: try await self.change(request, DockerAction(.unpause), "unpaused")
        case .exchangeDockerKey:
            try await self.change(
                request,
                DockerAction(
                    .exchangeKey, sshKey: request.text("ssh_key"),
                    keyType: request.text("key_type") == "terminal" ? .terminal : .user), "given its new key")
        case .allocationsSQL: try await self.allocations(request)
        case .resourcesSQL: try await self.resources(request, provenOnly: false)
        case .resourcesWandb: try await self.resources(request, provenOnly: true)
        case .countAllGPUs: try await self.countGPUs()
        case .countAllByModel: try await self.countByModel(request)
        case .allRuns: try await self.runs(request)
        case .specs: try await self.specs(request)
        case .runByName: try await self.run(request)
        case .available: try await self.available(request)
        case .allocatedHotkeys: try await self.allocatedHotkeys()
        case .testNotify: try await self.testNotify(request)
        case .testPing: .success("pong")
        }
    }

    // MARK: Leases

    private func allocateSpec(_ request: APIRequest) async throws -> APIReply {
        let wants = request.body?["requirements"]
        func int(_ name: String, _ fallback: Int) -> Int { wants?[name]?.intValue ?? fallback }
        let type = wants?["gpu_type"]?.stringValue ?? "gpu"
        let count = int("gpu_count", 1)
        let wish = LeaseBroker.Wish(
            device: DeviceRequirement(
                cpuCount: int("cpu_count", 1), ramBytes: Int64(int("ram", 1)) << 30,
                hardDiskBytes: Int64(int("hard_disk", 1)) << 30,
                gpu: count == 0
                    ? nil
                    : DeviceRequirement.GPU(
                        count: count, capacityMiB: int("gpu_size", 3) * 1024, type: type == "gpu" ? "" : type)
            ),
            docker: Self.docker(request.body?["docker_requirement"]),
            duration: .seconds(int("timeline", 90) * 86_400), resource: type)
        do {
            let allocation = try await self.leases.allocate(wish)
            return .success("Resource was successfully allocated", self.json(allocation, withSecrets: true))
        } catch let error as ComputeError where error.code == .notAvailable {
            return .failure(404, "Fail to allocate resource", detail: .string(error.message))
        }
    }

    private func allocateHotkey(_ request: APIRequest) async throws -> APIReply {
        let hotkey = request.text("hotkey")
        var docker = Self.docker(request.body)
        if !request.text("ssh_key").isEmpty { docker.sshKey = request.text("ssh_key") }
        if self.profile == .ni183 { docker.baseImage = Self.baseImageOfTheReference }
        let gpus = try await self.store.details().first { $0.hotkey == hotkey }?.document?.gpu?.count ?? 0
        let wish = LeaseBroker.Wish(
            device: DeviceRequirement(gpu: gpus > 0 ? DeviceRequirement.GPU(count: 1) : nil), docker: docker,
            duration: .seconds(60 * 86_400), resource: hotkey)
        let allocation = try await self.leases.allocate(wish, hotkey: hotkey)
        return .success("Resource was successfully allocated", self.json(allocation, withSecrets: true))
    }

    /// What release 1.8.3 starts, whatever is asked for.
    private static let baseImageOfTheReference = "pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime"

    private func deallocate(_ request: APIRequest) async throws -> APIReply {
        try await self.leases.deallocate(
            request.text("hotkey"), uuid: request.text("uuid_key"), notify: request.flag("notify_flag"))
        return .success("Resource deallocated successfully.")
    }

    private func change(_ request: APIRequest, _ action: DockerAction, _ done: String) async throws
        -> APIReply
    {
        try await self.leases.change(request.text("hotkey"), uuid: request.text("uuid_key"), action)
        return .success("The container was \(done).")
    }

    private func checkMinerStatus(_ request: APIRequest) async throws -> APIReply {
        let hotkeys = (request.body?.arrayValue ?? []).compactMap(\.stringValue)
        if request.flag("query_version") {
            let neurons = self.metagraph.snapshot?.neurons ?? [:]
            return .success(
                "List of versions",
                .array(
                    hotkeys.map {
                        [
                            "hotkey": .string($0),
                            "version": neurons[$0]?.axon.map { .int(Int($0.version)) } ?? .null,
                        ]
                    }))
        }
        let states = try await self.leases.status(of: hotkeys)
        return .success(
            "List hotkey status",
            .array(states.map { ["hotkey": .string($0.hotkey), "status": .string($0.status.rawValue)] }))
    }

    private func testNotify(_ request: APIRequest) async throws -> APIReply {
        let allocation = try await self.leases.allocation(
            request.text("hotkey"), uuid: request.text("uuid_key"))
        guard let notifier = self.notifier else {
            return .failure(400, "This validator has no URL to notify.")
        }
        switch request.text("event") {
        case "DEALLOCATION": try await notifier.queue(.deallocation(allocation))
        case "OFFLINE": try await notifier.queue(.offline(allocation))
        default: try await notifier.queue(.online(allocation))
        }
        return .success("The notification waits to be sent.")
    }

    private static func docker(_ json: JSONValue?) -> DockerRequirement {
        DockerRequirement(
            baseImage: json?["base_image"]?.stringValue ?? "ubuntu",
            sshKey: json?["ssh_key"]?.stringValue ?? "",
            volumePath: json?["volume_path"]?.stringValue ?? "/tmp",
            dockerfile: json?["dockerfile"]?.stringValue ?? "")
    }

    /// A lease as callers see it. Its secrets are for who made it, and for administrators.
    func json(_ allocation: Allocation, withSecrets: Bool) -> JSONValue {
        let secrets = allocation.secrets
        let user = secrets.credentials.username
        return [
            "resource": .string(allocation.resource), "hotkey": .string(allocation.hotkey), "regkey": "",
            "ssh_ip": .string(allocation.sshAddress), "ssh_port": .int(allocation.sshPort),
            "ssh_username": .string(user),
            "ssh_password": .string(withSecrets ? secrets.credentials.password : ""),
            "ssh_command": .string("ssh \(user)@\(allocation.sshAddress) -p \(allocation.sshPort)"),
            "ssh_key": .string(withSecrets ? secrets.sshKey : ""),
            "ssh_host_key": secrets.credentials.hostKey.map { .string($0) } ?? .null,
            "uuid_key": .string(withSecrets ? secrets.uuid : ""),
            "miner_version": .int(secrets.credentials.version),
            "expires_at": allocation.expiresAt.map { .int(Int($0)) } ?? .null,
        ]
    }
}
