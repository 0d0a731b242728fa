internal import ArgumentParser
internal import LibP2PIdentity
internal import Subnet

/// `subnet perf`.
struct PerfCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perf", abstract: "Measure throughput with the libp2p perf protocol (/perf/1.0.0).",
        subcommands: [Serve.self, Run.self])

    /// `subnet perf serve`.
    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Answer measurements until SIGINT or SIGTERM.",
            discussion: """
                With --json the first line is {"event":"ready","peer_id":"...","listen":["..."]}.
                """)

        @Option(help: ArgumentHelp("Address to listen on; repeats or takes a,b,c.", valueName: "multiaddr"))
        var listen: [String]

        @OptionGroup var client: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let addresses = try ArgumentReader.addresses(listen)
            guard !addresses.isEmpty else {
                throw CommandFailure("--listen names no address.", status: .usage)
            }
            let json = output.json
            try await NetworkOperations.servePerf(listen: addresses, identity: try client.start().key) {
                report in
                try ListeningLine.write(report, json: json)
            }
        }
    }

    /// `subnet perf run`.
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Measure upload and download to a peer.")

        @Argument(help: ArgumentHelp("Address of the peer.", valueName: "multiaddr"))
        var target: String

        @Option(parsing: .unconditional, help: ArgumentHelp("Bytes to send.", valueName: "bytes"))
        var uploadBytes: Int

        @Option(parsing: .unconditional, help: ArgumentHelp("Bytes to receive.", valueName: "bytes"))
        var downloadBytes: Int

        @Option(
            parsing: .unconditional, help: ArgumentHelp("Seconds for the measurement.", valueName: "seconds"),
            transform: ArgumentReader.seconds)
        var timeout: Duration = .seconds(300)

        @OptionGroup var client: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try ArgumentReader.check(uploadBytes, in: 0...(1 << 50), "--upload-bytes")
            try ArgumentReader.check(downloadBytes, in: 0...(1 << 50), "--download-bytes")
            let request = PerfRequest(
                target: try ArgumentReader.address(target), uploadBytes: uploadBytes,
                downloadBytes: downloadBytes,
                timeout: timeout, client: try client.start())
            let progress = ProgressLine()
            defer { progress.clear() }
            let report = try await NetworkOperations.runPerf(request) { state in
                let up = Figures.bytes(Double(state.uploadedBytes))
                progress.show("sent \(up), received \(Figures.bytes(Double(state.downloadedBytes)))")
            }
            progress.clear()
            let line = PerfLine(report, request)
            if output.json {
                try JSONLine.write(line)
            } else {
                try StandardOutput.write(line.text)
            }
        }
    }
}

/// The result of a measurement.
struct PerfLine: Encodable {
    let peer: String
    let uploadBytes: Int
    let uploadMilliseconds: Double
    let uploadBytesPerSecond: Double
    let downloadBytes: Int
    let downloadMilliseconds: Double
    let downloadBytesPerSecond: Double

    init(_ report: PerfReport, _ request: PerfRequest) {
        peer = report.peer.description
        uploadBytes = request.uploadBytes
        uploadMilliseconds = report.upload.milliseconds
        uploadBytesPerSecond = Self.rate(request.uploadBytes, report.upload)
        downloadBytes = request.downloadBytes
        downloadMilliseconds = report.download.milliseconds
        downloadBytesPerSecond = Self.rate(request.downloadBytes, report.download)
    }

    /// The result for people.
    var text: String {
        """
        Upload    \(Self.row(uploadBytes, uploadMilliseconds, uploadBytesPerSecond))
        Download  \(Self.row(downloadBytes, downloadMilliseconds, downloadBytesPerSecond))

        """
    }

    private static func row(_ bytes: Int, _ milliseconds: Double, _ rate: Double) -> String {
        "\(Figures.bytes(Double(bytes))) in \(Figures.milliseconds(milliseconds)), \(Figures.bytes(rate))/s"
    }

    private static func rate(_ bytes: Int, _ time: Duration) -> Double {
        time.milliseconds > 0 ? Double(bytes) * 1000 / time.milliseconds : 0
    }
}
