internal import AccountKeys
internal import ArgumentParser
internal import BittensorCore
internal import ComputeSubnet

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension LeaseCommand {
    /// `subnet lease allocate`.
    struct Allocate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a lease, on any miner that fits or on one.",
            discussion: """
                Without --hotkey the API looks for a miner that has what is asked for. With it the API \
                leases what that miner has, for 60 days. --lease-file keeps the lease with its secrets in a \
                new file of mode 0600, and they are not printed; without it they are.
                """)

        @OptionGroup var api: LeaseAPIOptions

        @Option(help: ArgumentHelp("The miner.", valueName: "ss58"))
        var hotkey: String?

        @Option(help: ArgumentHelp("A part of the GPU's name (default: any).", valueName: "text"))
        var gpuType: String?

        @Option(help: ArgumentHelp("Memory of each GPU, GB (default: 3).", valueName: "gb"))
        var gpuSize: Int?

        @Option(help: ArgumentHelp("GPUs (default: 1); 0 for none.", valueName: "n"))
        var gpuCount: Int?

        @Option(help: ArgumentHelp("Cores (default: 1).", valueName: "n"))
        var cpuCount: Int?

        @Option(help: ArgumentHelp("Memory, GB (default: 1).", valueName: "gb"))
        var ram: Int?

        @Option(help: ArgumentHelp("Disk, GB (default: 1).", valueName: "gb"))
        var hardDisk: Int?

        @Option(help: ArgumentHelp("Days (default: 90).", valueName: "days"))
        var timeline: Int?

        @Option(help: ArgumentHelp("File of the public SSH key that opens the container.", valueName: "file"))
        var sshKeyFile: String?

        @Option(
            help: ArgumentHelp("Image of the container (default: the miner's choice).", valueName: "name"))
        var baseImage: String?

        @Option(help: ArgumentHelp("New file for the lease, made with mode 0600.", valueName: "file"))
        var leaseFile: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            if hotkey != nil, !requirements.isEmpty {
                throw CommandFailure(
                    "With --hotkey the API leases what the miner has; leave \(requirements.names[0]) away.",
                    status: .usage)
            }
            if let leaseFile, FileManager.default.fileExists(atPath: leaseFile) {
                throw CommandFailure("There is a file \(leaseFile) already; it was not touched.")
            }
            var docker = JSONObject()
            docker["ssh_key"] = try sshKeyFile.map { .string(try LeaseSSHKey.read($0)) }
            docker["base_image"] = baseImage.map { .string($0) }
            let (wanted, container, miner) = (requirements, docker, hotkey)
            let lease = try await api.call { client in
                guard let miner else {
                    return try await client.post(
                        "/service/allocate_spec",
                        body: [
                            "requirements": .object(wanted), "docker_requirement": .object(container),
                        ])
                }
                return try await client.post(
                    "/service/allocate_hotkey", query: [("hotkey", miner)], body: .object(container))
            }
            if let leaseFile { try keep(lease, in: leaseFile) }
            if output.json, leaseFile == nil { return try LeasePrinter.json(lease) }
            if output.json { return try LeasePrinter.json(LeasePrinter.withoutSecrets(lease)) }
            try StandardOutput.writeLine(LeasePrinter.made(lease, leaseFile: leaseFile))
        }

        /// What is asked for; what is left out has the API's defaults.
        private var requirements: JSONObject {
            var wanted = JSONObject()
            wanted["gpu_type"] = gpuType.map { .string($0) }
            wanted["gpu_size"] = gpuSize.map { .int($0) }
            wanted["gpu_count"] = gpuCount.map { .int($0) }
            wanted["cpu_count"] = cpuCount.map { .int($0) }
            wanted["ram"] = ram.map { .int($0) }
            wanted["hard_disk"] = hardDisk.map { .int($0) }
            wanted["timeline"] = timeline.map { .int($0) }
            return wanted
        }

        /// Keeps the lease. It is made and somebody pays for it, so where it cannot be kept it is printed.
        private func keep(_ lease: JSONValue, in file: String) throws {
            do {
                try SecretInput.write(secret: Array((try lease.text() + "\n").utf8), to: file)
            } catch {
                try LeasePrinter.json(lease)
                let reason = (error as? AccountKeyError)?.message ?? "\(error)"
                throw CommandFailure(
                    "The lease was made, and printed since \(file) cannot be written: \(reason)")
            }
        }
    }

    /// `subnet lease release`.
    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a lease.",
            discussion: """
                It is over when the miner has ended it; where the miner refuses or is silent it goes on. The \
                lease file is left as it is.
                """)

        @OptionGroup var api: LeaseAPIOptions
        @OptionGroup var lease: LeaseNameOptions

        @Flag(help: "Tell the URL of the validator that is told of ends.")
        var notify = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await lease.change(
                "/service/deallocate", [("notify_flag", notify ? "true" : "false")], "ended", api,
                json: output.json)
        }
    }

    /// `subnet lease restart`.
    struct Restart: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Restart the container of a lease.")

        @OptionGroup var api: LeaseAPIOptions
        @OptionGroup var lease: LeaseNameOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await lease.change("/service/restart_docker", [], "restarted", api, json: output.json)
        }
    }

    /// `subnet lease pause`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pause the container of a lease.", discussion: "The lease runs on, and out.")

        @OptionGroup var api: LeaseAPIOptions
        @OptionGroup var lease: LeaseNameOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await lease.change("/service/pause_docker", [], "paused", api, json: output.json)
        }
    }

    /// `subnet lease unpause`.
    struct Unpause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Continue a paused container.")

        @OptionGroup var api: LeaseAPIOptions
        @OptionGroup var lease: LeaseNameOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await lease.change("/service/unpause_docker", [], "continued", api, json: output.json)
        }
    }

    /// `subnet lease exchange-key`.
    struct ExchangeKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "exchange-key", abstract: "Replace an SSH key of a lease.")

        @OptionGroup var api: LeaseAPIOptions
        @OptionGroup var lease: LeaseNameOptions

        @Option(help: ArgumentHelp("File of the new public SSH key.", valueName: "file"))
        var sshKeyFile: String

        @Option(help: ArgumentHelp("user or terminal.", valueName: "type"))
        var keyType: String = "user"

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await lease.change(
                "/service/exchange_docker_key",
                [("ssh_key", try LeaseSSHKey.read(sshKeyFile)), ("key_type", keyType)], "given its new key",
                api, json: output.json)
        }
    }
}

/// Which lease a command is about.
struct LeaseNameOptions: ParsableArguments {
    /// Most bytes of a lease file.
    private static let bytesMax = 64 << 10

    @Option(help: ArgumentHelp("The file that \"lease allocate\" made.", valueName: "file"))
    var leaseFile: String?

    @Option(help: ArgumentHelp("The miner.", valueName: "ss58"))
    var hotkey: String?

    @Option(
        help: ArgumentHelp(
            "The lease's secret name; others see arguments, so prefer the file.", valueName: "uuid"))
    var uuidKey: String?

    private func name() throws -> (hotkey: String, uuidKey: String) {
        switch (leaseFile, hotkey, uuidKey) {
        case (nil, let hotkey?, let uuidKey?): return (hotkey, uuidKey)
        case (let file?, nil, nil):
            let json: JSONValue?
            do {
                let bytes = try SecretInput.firstLine(ofSecret: file)
                json = try? JSONValue(parsing: bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
            } catch {
                throw CommandFailure("The lease file: \(error.message)", status: .usage)
            }
            guard let hotkey = json?["hotkey"]?.stringValue, let uuidKey = json?["uuid_key"]?.stringValue
            else { throw CommandFailure("\(file) holds no lease.", status: .usage) }
            return (hotkey, uuidKey)
        default:
            throw CommandFailure(
                "Name the lease: --lease-file, or --hotkey and --uuid-key.", status: .usage)
        }
    }

    /// Asks for a change, and says that it was made.
    func change(
        _ path: String, _ more: [(name: String, value: String)], _ done: String, _ api: LeaseAPIOptions,
        json: Bool
    ) async throws {
        let name = try name()
        let query: [(name: String, value: String)] =
            [("hotkey", name.hotkey), ("uuid_key", name.uuidKey)] + more
        _ = try await api.call { client in try await client.post(path, query: query) }
        if json { return try JSONLine.write(LeaseChange(hotkey: name.hotkey, done: done)) }
        try StandardOutput.writeLine("The lease on \(PrintableText.of(name.hotkey)) was \(done).")
    }
}

/// What became of a lease, as JSON.
private struct LeaseChange: Encodable {
    let hotkey: String
    let done: String
}

/// Reads a public SSH key.
enum LeaseSSHKey {
    /// Most bytes of the file.
    private static let bytesMax = 8 << 10

    /// The one line of the file.
    static func read(_ path: String) throws -> String {
        guard let handle = FileManager.default.contents(atPath: path), handle.count <= bytesMax,
            let text = String(validating: handle, as: UTF8.self)
        else {
            throw CommandFailure(
                "The SSH key \(path) cannot be read, or has more than \(bytesMax) bytes.", status: .usage)
        }
        let lines = text.split(whereSeparator: \.isNewline)
        // A private key beside its public one has the same name but for the ending.
        guard lines.count == 1, let line = lines.first, !line.contains("PRIVATE KEY") else {
            throw CommandFailure("\(path) is not a public SSH key: one line.", status: .usage)
        }
        return String(line)
    }
}
