internal import AccountKeys
internal import ArgumentParser
internal import BittensorCore
internal import ComputeSubnet

/// `subnet lease`.
struct LeaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: "Find, make, change and end leases through a validator's resource API.",
        discussion: """
            Who calls is shown with --token-file, with a client certificate, or with both, as the API asks; \
            a token is never an argument, since others see those. "allocate --lease-file FILE" keeps the \
            lease in a file with mode 0600, which the other commands take in place of --hotkey and --uuid-key.

            Exits with 0 when it was done; 3 when the API does not allow it or the uuid_key is another \
            lease's; 4 when there is no such lease, miner or resource; 5 when it is in use; 6 when the API \
            or the miner does not answer in time; 64 when an argument is wrong; 1 otherwise. After 6 nobody \
            knows whether it was done: look with "lease list".
            """,
        subcommands: [
            List.self, Available.self, Allocate.self, Release.self, Restart.self, Pause.self, Unpause.self,
            ExchangeKey.self,
        ])

    /// `subnet lease list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the leases.",
            discussion: """
                Passwords and uuid_keys are there only with --json, and only for tokens of scope admin. No \
                lease is no failure.
                """)

        @OptionGroup var api: LeaseAPIOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let leases = try await api.call { client in
                try await client.listOrNone("/list/allocations_sql")
            }
            if output.json { return try leases.forEach { try LeasePrinter.json($0) } }
            if leases.isEmpty { return try StandardOutput.writeLine("There are no leases.") }
            try leases.forEach { try StandardOutput.writeLine(LeasePrinter.line($0)) }
        }
    }

    /// `subnet lease available`.
    struct Available: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what could be leased.",
            discussion: "What miners claim; --proven keeps those whose GPUs were proven lately.")

        @OptionGroup var api: LeaseAPIOptions

        @Option(help: ArgumentHelp("A part of the GPU's name.", valueName: "text"))
        var gpuName: String?

        @Option(help: ArgumentHelp("Least cores.", valueName: "n"))
        var cpuCountMin: Int?

        @Option(help: ArgumentHelp("Least memory of all GPUs, GB.", valueName: "gb"))
        var gpuCapacityMin: Double?

        @Option(help: ArgumentHelp("Least memory, GB.", valueName: "gb"))
        var ramTotalMin: Double?

        @Option(help: ArgumentHelp("Least disk, GB.", valueName: "gb"))
        var hardDiskTotalMin: Double?

        @Flag(help: "Only miners whose GPUs were proven lately.")
        var proven = false

        @Flag(help: "Those that are leased too.")
        var all = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            var wishes = JSONObject()
            wishes["gpu_name"] = gpuName.map { .string($0) }
            wishes["cpu_count_min"] = cpuCountMin.map { .int($0) }
            wishes["gpu_capacity_min"] = gpuCapacityMin.map { .double($0) }
            wishes["ram_total_min"] = ramTotalMin.map { .double($0) }
            wishes["hard_disk_total_min"] = hardDiskTotalMin.map { .double($0) }
            let path = proven ? "/list/resources_wandb" : "/list/resources_sql"
            let body = JSONValue.object(wishes)
            let found = try await api.call { client in
                try await client.listOrNone(path, body: body, member: "page_items")
            }
            let shown = found.filter { all || $0["allocate_status"] == "available" }
            if output.json { return try shown.forEach { try LeasePrinter.json($0) } }
            if shown.isEmpty { return try StandardOutput.writeLine("There is nothing of that kind.") }
            try shown.forEach { try StandardOutput.writeLine(LeasePrinter.resource($0)) }
        }
    }
}

/// How the commands of `subnet lease` reach the API.
struct LeaseAPIOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The resource API: https://HOST:PORT, or http:// on this machine.", valueName: "url"))
    var api: String

    @Option(
        help: ArgumentHelp(
            "File whose first line is the token, readable by its owner only.", valueName: "file"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("The client's certificate, PEM.", valueName: "file"))
    var clientCertificate: String?

    @Option(
        help: ArgumentHelp("Key of the certificate, PEM, readable by its owner only.", valueName: "file"))
    var clientKey: String?

    @Option(
        help: ArgumentHelp(
            "Authority of the API's certificate, PEM (default: the system's).", valueName: "file"))
    var authority: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds for one request; a lease may take the API minutes.", valueName: "seconds"),
        transform: ArgumentReader.seconds)
    var timeout: Duration = .seconds(300)

    /// What `body` makes of the API.
    func call<Value: Sendable>(
        _ body: @Sendable (ResourceAPIClient) async throws -> Value
    ) async throws -> Value {
        let credentials = try credentials()
        do {
            return try await ResourceAPIClient.with(
                url: api, credentials: credentials, timeout: timeout, body)
        } catch let refusal as ResourceAPIClient.Refusal {
            throw CommandFailure(refusal)
        } catch let error as ComputeError {
            throw CommandFailure(
                error.message, status: error.code == .invalidConfiguration ? .usage : .failed)
        }
    }

    private func credentials() throws -> ResourceAPIClient.Credentials {
        var credentials = ResourceAPIClient.Credentials()
        do {
            if let tokenFile {
                let token = try SecretInput.firstLine(ofSecret: tokenFile)
                credentials.token = token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                guard credentials.token?.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) == true else {
                    throw CommandFailure(
                        "The first line of \(tokenFile) is not a token.", status: .usage)
                }
            }
            switch (clientCertificate, clientKey) {
            case (let chain?, let key?):
                try SecretInput.checkSecret(key)
                credentials.certificate = (chain, key)
            case (nil, nil): break
            default:
                throw CommandFailure(
                    "--client-certificate and --client-key go together.", status: .usage)
            }
        } catch let error as AccountKeyError {
            throw CommandFailure("A file of credentials: \(error.message)", status: .usage)
        }
        guard credentials.token != nil || credentials.certificate != nil else {
            throw CommandFailure(
                "The API must know who calls: give --token-file, or --client-certificate and --client-key.",
                status: .usage)
        }
        credentials.authority = authority
        return credentials
    }
}

extension ResourceAPIClient {
    /// The items of a list; none where the API says that there are none.
    func listOrNone(
        _ path: String, body: JSONValue? = nil, member: String? = nil
    ) async throws -> [JSONValue] {
        do {
            let data = try await self.post(path, body: body)
            guard let items = (member.flatMap { data[$0] } ?? data).arrayValue else {
                throw Refusal(status: 0, message: "The API answers with no list.")
            }
            return items
        } catch let refusal as Refusal where refusal.status == 404 {
            return []
        }
    }
}

extension CommandFailure {
    /// What the API refused, with the status that scripts tell apart.
    init(_ refusal: ResourceAPIClient.Refusal) {
        let status: Status =
            switch refusal.status {
            case 0, 504: .noAnswer
            case 400, 401, 403: .notPermitted
            case 404: .notFound
            case 409: .inUse
            case 413...422: .usage
            default: .failed
            }
        self.init(refusal.message, status: status)
    }
}
