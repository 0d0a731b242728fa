import BittensorCore
import ComputeSubnet
import Testing

@Suite struct AllocateRequestTests {
    private static let requirement: JSONValue = [
        "cpu": ["count": 1], "gpu": ["count": 1, "capacity": 0, "type": ""],
        "hard_disk": ["capacity": 1_073_741_824], "ram": ["capacity": 1_073_741_824], "testing": true,
    ]

    private static func synapse(
        checking: Bool, change: Bool, timeline: Int, action: String = "", requirement: JSONValue = requirement
    ) -> Allocate {
        var synapse = Allocate()
        synapse.checking = checking
        synapse.dockerChange = change
        synapse.timeline = timeline
        synapse.deviceRequirement = requirement
        synapse.dockerAction = ["action": .string(action), "ssh_key": "ssh-ed25519 AAAA", "key_type": "user"]
        synapse.publicKey = "PEM"
        return synapse
    }

    @Test(arguments: ComputeProfile.all)
    func everyRowOfTheTable(_ profile: ComputeProfile) throws {
        func operation(
            _ checking: Bool, _ change: Bool, _ timeline: Int, _ action: String = ""
        ) throws -> AllocateRequest.Operation {
            try AllocateRequest(
                Self.synapse(checking: checking, change: change, timeline: timeline, action: action),
                profile: profile
            ).operation
        }
        let device = DeviceRequirement(
            cpuCount: 1, ramBytes: 1 << 30, hardDiskBytes: 1 << 30, gpu: .init(count: 1), isTesting: true)
        for change in [false, true] {
            #expect(try operation(true, change, 5) == .checkAvailability(device))
            #expect(try operation(true, change, 0) == .checkLease)
        }
        #expect(
            try operation(false, false, 2)
                == .allocate(duration: profile.timelineUnit * 2, device, DockerRequirement()))
        #expect(try operation(false, false, 0) == .deallocate)
        for timeline in [0, 1] {
            #expect(
                try operation(false, true, timeline, "restart")
                    == .change(DockerAction(.restart, sshKey: "ssh-ed25519 AAAA")))
            #expect(
                try operation(false, true, timeline, "resume")
                    == .change(DockerAction(.unpause, sshKey: "ssh-ed25519 AAAA")))
            #expect(
                try operation(false, true, timeline, "exchange_key")
                    == .change(DockerAction(.exchangeKey, sshKey: "ssh-ed25519 AAAA", keyType: .user)))
            #expect(try operation(false, true, timeline, "explode") == .changeUnknown("explode"))
        }
    }

    @Test func theWordDeallocateOfTheReferenceIsRead() throws {
        // Its command line sends "" in place of the need.
        let synapse = Self.synapse(checking: false, change: false, timeline: 0, requirement: "")
        #expect(try AllocateRequest(synapse, profile: .ni183).operation == .deallocate)
    }

    @Test(arguments: ["cpu", "gpu", "ram", "hard_disk"])
    func aLeaseNeedsEachSection(_ missing: String) {
        var object = Self.requirement.objectValue ?? [:]
        object[missing] = nil
        let synapse = Self.synapse(
            checking: false, change: false, timeline: 1, requirement: .object(object))
        #expect(throws: ComputeError.self) { try AllocateRequest(synapse, profile: .seed) }
    }

    @Test(
        arguments: [
            ["count": 0], ["count": -1], ["count": "many"], ["count": true], ["count": 1.5],
            ["count": .int(Int.max)], [:],
        ] as [JSONValue])
    func hostileCountsAreRefused(_ cpu: JSONValue) {
        var object = Self.requirement.objectValue ?? [:]
        object["cpu"] = cpu
        let synapse = Self.synapse(checking: false, change: false, timeline: 1, requirement: .object(object))
        if cpu == [:] {
            #expect(throws: Never.self) { try AllocateRequest(synapse, profile: .seed) }
        } else {
            #expect(throws: ComputeError.self) { try AllocateRequest(synapse, profile: .seed) }
        }
    }

    @Test func wrongTypesAndLongTextsAreRefusedByName() {
        var synapse = Self.synapse(checking: false, change: false, timeline: 1)
        synapse.dockerRequirement = ["ssh_key": .string(String(repeating: "k", count: 10_000))]
        var error = #expect(throws: ComputeError.self) { try AllocateRequest(synapse, profile: .seed) }
        #expect(error?.code == .malformedRequest && error?.message.contains("ssh_key") == true)
        synapse.dockerRequirement = "ubuntu"
        error = #expect(throws: ComputeError.self) { try AllocateRequest(synapse, profile: .seed) }
        #expect(error?.message.contains("docker_requirement") == true)
        synapse = Self.synapse(checking: true, change: false, timeline: -3)
        error = #expect(throws: ComputeError.self) { try AllocateRequest(synapse, profile: .seed) }
        #expect(error?.message.contains("timeline") == true)
        synapse = Self.synapse(checking: true, change: false, timeline: 0)
        synapse.publicKey = String(repeating: "k", count: 5000)
        error = #expect(throws: ComputeError.self) { try AllocateRequest(synapse, profile: .seed) }
        #expect(error?.message.contains("public_key") == true)
        synapse = Self.synapse(checking: false, change: true, timeline: 1, action: "exchange_key")
        synapse.dockerAction = ["action": "exchange_key", "ssh_key": "k", "key_type": "root"]
        error = #expect(throws: ComputeError.self) { try AllocateRequest(synapse, profile: .seed) }
        #expect(error?.message.contains("key_type") == true)
    }

    @Test func anAbsentKeyIsNoKey() throws {
        // Validators of the reference send only base_image when they test.
        var synapse = Self.synapse(checking: false, change: false, timeline: 1)
        synapse.dockerRequirement = ["base_image": "pytorch/pytorch"]
        guard case .allocate(_, _, let docker) = try AllocateRequest(synapse, profile: .seed).operation else {
            Issue.record("not an allocation")
            return
        }
        #expect(docker == DockerRequirement(baseImage: "pytorch/pytorch", sshKey: ""))
    }

    @Test(arguments: ComputeProfile.all)
    func aRequestSurvivesTheSynapse(_ profile: ComputeProfile) throws {
        let device = DeviceRequirement(cpuCount: 4, gpu: .init(count: 2, capacityMiB: 40_000, type: "a100"))
        let operations: [AllocateRequest.Operation] = [
            .checkAvailability(nil), .checkAvailability(device), .checkLease, .deallocate,
            .change(DockerAction(.pause)),
            .change(DockerAction(.exchangeKey, sshKey: "k", keyType: .terminal)),
            .changeUnknown("dance"),
            .allocate(duration: .seconds(2 * 86_400), device, DockerRequirement(sshKey: "ssh-ed25519 AAAA")),
        ]
        for operation in operations {
            let request = AllocateRequest(operation, publicKey: "PEM")
            #expect(try AllocateRequest(Allocate(request, profile: profile), profile: profile) == request)
        }
    }

    @Test func outputsAreReadLenientlyAndWrittenWithoutNulls() throws {
        #expect(try AllocateOutput([:]) == AllocateOutput())
        #expect(AllocateOutput().json == [:])
        let full = AllocateOutput(
            status: true, info: "QUJD", port: 4444, sshAddress: "192.0.2.1", sshPort: 4444,
            expiresAt: 1_800_000_000)
        #expect(try AllocateOutput(full.json) == full)
        #expect(try AllocateOutput(["status": true, "info": "QQ==", "port": 1, "more": [1]]).status == true)
        #expect(throws: ComputeError.self) { try AllocateOutput(["status": "yes"]) }
        #expect(throws: ComputeError.self) { try AllocateOutput(["port": 70_000]) }
        #expect(throws: ComputeError.self) { try AllocateOutput("no") }
    }

    @Test func credentialsAreTheBytesOfTheReferenceAndFitOneBlock() throws {
        let credentials = LeaseCredentials(username: "root", password: "a1B2c3D4e5", port: 4444, version: 183)
        let bytes = try credentials.encoded()
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"username":"root","password":"a1B2c3D4e5","port":4444,"version":183}"#)
        #expect(try LeaseCredentials(bytes) == credentials)
        let spaced = #"{"username": "root", "password": "a1B2c3D4e5", "port": 4444, "version": 183}"#
        #expect(spaced.utf8.count == 76)
        #expect(try LeaseCredentials(Array(spaced.utf8)) == credentials)
        var long = credentials
        long.hostKey = "SHA256:" + String(repeating: "a", count: 43)
        #expect(try LeaseCredentials(long.encoded()) == long)
        long.password = String(repeating: "p", count: 120)
        #expect(throws: ComputeError.self) { try long.encoded() }
        #expect(!"\(credentials)".contains("a1B2c3D4e5"))
        #expect(!String(reflecting: credentials).contains("a1B2c3D4e5"))
    }
}
