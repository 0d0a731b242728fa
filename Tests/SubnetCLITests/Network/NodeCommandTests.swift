import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Suites that start several processes at a time; one after the other, so that small machines keep up.
@Suite("Commands on the network", .serialized, .timeLimit(.minutes(3)))
struct NetworkCommandTests {}

extension NetworkCommandTests {
    @Suite("subnet node", .timeLimit(.minutes(1)))
    struct NodeCommandTests {
        @Test(arguments: [SIGTERM, SIGINT])
        func `says that it is ready, and a signal ends it with 0`(signal: Int32) async throws {
            let arguments = ["node", "--json", "--listen", "/ip4/127.0.0.1/tcp/0,/ip6/::1/tcp/0"]
            try await RunningProgram.with(arguments) { node in
                let ready = try await node.ready()
                #expect(ready.event == "ready")
                #expect(ready.listen.count == 2)
                #expect(ready.listen.allSatisfy { $0.hasSuffix("/p2p/\(ready.peer_id)") })
                #expect(
                    ready.address.wholeMatch(of: /\/ip4\/127\.0\.0\.1\/tcp\/[1-9]\d*\/p2p\/12D3KooW\w+/)
                        != nil)
                #expect(
                    try JSONText.object(try #require(node.output.lines.first)).keys.sorted() == [
                        "event", "listen", "peer_id",
                    ])
                node.signal(signal)
                #expect(await node.exitStatus() == 0)
                try await node.output.ended()
                #expect(node.output.lines.count == 1)
            }
        }

        @Test func `without --json the ready line is for people`() async throws {
            try await RunningProgram.with(["node"]) { node in
                let line = try await node.output.first("a line") { $0.count > 1 ? $0 : nil }
                #expect(line[0].hasPrefix("Ready. Peer id 12D3KooW"))
                #expect(line[1].hasPrefix("  listens on /ip4/127.0.0.1/tcp/"))
            }
        }

        @Test func `uses the key of its identity file`() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
                "subnet-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let file = folder.appendingPathComponent("node.key").path
            #expect(
                try await BuiltProgram.run("key", "generate", "--type", "secp256k1", "--out", file).status
                    == 0)
            let shown = try await BuiltProgram.run("key", "show", file, "--json")
            let peer = try JSONText.object(shown.output)["peer_id"] as? String
            try await RunningProgram.withNode(serving: "peers", ["--identity", file]) { _, ready in
                #expect(ready.peer_id == peer)
            }
            chmod(file, 0o644)
            let refused = try await BuiltProgram.run("node", "--identity", file)
            #expect(refused.status != 0 && refused.error.contains("chmod 600 \(file)"))
        }

        @Test func `keeps its identity in the data directory, which one process uses at a time`() async throws
        {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
                "subnet-\(UUID().uuidString)"
            ).path
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let first = try await RunningProgram.withNode(serving: "peers", ["--data-dir", folder]) {
                node, ready in
                let second = try await BuiltProgram.run("node", "--data-dir", folder)
                #expect(second.status == 1)
                #expect(
                    second.error == """
                        error: The data directory \(folder) is in use by process \(node.processID): stop it, \
                        or choose another directory.\n
                        """)
                return ready.peer_id
            }
            // The first was killed; its lock went with it.
            let again = try await RunningProgram.withNode(serving: "peers", ["--data-dir", folder]) {
                $1.peer_id
            }
            #expect(again == first)
        }

        @Test func `serves metrics and health`() async throws {
            try await RunningProgram.withNode(serving: "peers", ["--metrics-listen", "127.0.0.1:0"]) {
                node, ready in
                let page = try await Self.metricsPage(of: node)
                #expect(try await BuiltProgram.run("ping", ready.address, "--count", "1").status == 0)
                let metrics = try await PageFetch.get(page)
                #expect(metrics.status == 200)
                for name in [
                    "subnet_connections", "subnet_peers", "subnet_received_bytes", "subnet_sent_bytes",
                ] {
                    #expect(metrics.body.contains("\(name) "), "\(name)")
                }
                let health = try await Self.health(of: node)
                #expect(health.status == 200 && health.body == "ok\n")
            }
        }

        @Test func `is healthy when its worker is ready, and says what keeps it from that`() async throws {
            let loading = Self.node(worker: "/bin/sleep", "1000") + Self.metrics
            try await RunningProgram.with(loading) { node in
                try await Self.line("the worker runs", of: node)
                let health = try await Self.health(of: node)
                #expect(health.status == 503)
                #expect(health.body == "the worker is not ready: starting (start 1)\n")
            }
            let hour = ["--set", "worker.restart-backoff-min=1h", "--set", "worker.restart-backoff-max=1h"]
            let failing = Self.node(worker: "/bin/sh", "-c,exit 3") + Self.metrics + hour
            try await RunningProgram.with(failing) { node in
                try await Self.line("the worker failed, next start", of: node)
                let health = try await Self.health(of: node)
                #expect(health.status == 503)
                #expect(health.body.hasPrefix("the worker is not ready: restarting (start 1), "), "\(health)")
                #expect(health.body.contains("exit code 3"), "\(health)")
            }
            try await RunningProgram.withNode(serving: "inference", Self.metrics) { node, _ in
                let health = try await Self.health(of: node)
                #expect(health.status == 200 && health.body == "ok\n")
            }
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func `a signal while its model loads ends it with 0`(signal: Int32) async throws {
            try await RunningProgram.with(Self.node(worker: "/bin/sleep", "1000")) { node in
                try await Self.line("the worker runs", of: node)
                node.signal(signal)
                #expect(await node.exitStatus() == 0, "\(node.error.text)")
                try await node.output.ended()
                #expect(node.output.text == "")
            }
        }

        @Test func `a signal ends it with 0 although a call goes on, which is cancelled`() async throws {
            // The whole answer would take longer than this test may.
            let slow = [
                "--set", "worker.arguments=--tokens-per-second,1", "--set", "timeouts.shutdown=500ms",
            ]
            try await RunningProgram.withNode(serving: "inference", slow) { node, hoster in
                let call = ["infer", hoster.address, "--json", "--prompt", "a", "--max-new-tokens", "400"]
                try await RunningProgram.with(call) { client in
                    _ = try await client.output.first("a token") { $0.first }
                    node.signal(SIGTERM)
                    #expect(await node.exitStatus() == 0, "\(node.error.text)")
                    #expect(await client.exitStatus() == 1)
                    try await client.error.ended()
                    #expect(client.error.text.hasPrefix("error: "), "\(client.error.text)")
                }
            }
        }

        @Test func `neither keys nor payloads get into the log`() async throws {
            let more = [
                "--log-level", "trace", "--log-format", "json", "--set",
                "worker.environment=TOKEN=s3cr3t-t0ken",
            ]
            try await RunningProgram.withNode(serving: "task,peers,inference", more) { node, ready in
                let call = try await BuiltProgram.run(
                    "call", "task", ready.address, "--task-id", "t", "--payload", "p4yl0ad-text",
                    "--log-level", "trace")
                #expect(call.status == 0 && !call.error.contains("p4yl0ad"))
                let answer = try await BuiltProgram.run(
                    "infer", ready.address, "--prompt", "pr0mpt-text", "--max-new-tokens", "2", "--log-level",
                    "trace")
                #expect(answer.status == 0 && !answer.error.contains("pr0mpt"))
                node.signal(SIGTERM)
                #expect(await node.exitStatus() == 0)
                try await node.error.ended()
                let log = node.error.text
                #expect(!log.contains("p4yl0ad") && !log.contains("P4YL0AD") && !log.contains("pr0mpt"))
                #expect(!log.contains("s3cr3t") && !log.lowercased().contains("private"))
                #expect(throws: Never.self) { try JSONText.objects(log) }
            }
        }

        @Test func `a configured worker gets its variables, and of the node's those that most programs need`()
            async throws
        {
            // A shell that tells what it got and then becomes the embedded model.
            let script = "echo \"token=[$TOKEN] home=[$HOME] other=[$OTHER]\" >&2; exec \"$0\" model-worker"
            let program = try BuiltProgram.location().path
            let arguments = [
                "node", "--json", "--listen", "/ip4/127.0.0.1/tcp/0", "--serve", "inference",
                "--worker", "/bin/sh", "--set", "worker.arguments=-c,\(script),\(program)",
                "--set", "worker.environment=TOKEN=a=b",
            ]
            let environment = ["HOME": "/nowhere", "OTHER": "not for the worker"]
            try await RunningProgram.with(arguments, environment: environment) { node in
                _ = try await node.ready()
                let line = try await node.error.first("the worker's line") { lines in
                    lines.first { $0.contains("token=[") }
                }
                #expect(line.contains("token=[a=b] home=[/nowhere] other=[]"), "\(line)")
            }
        }

        #if os(Linux)
            @Test func `the embedded model gets the configured variables too`() async throws {
                let more = ["--set", "worker.environment=TOKEN=a=b"]
                try await RunningProgram.withNode(serving: "inference", more) { node, _ in
                    // The guard and the worker, which gets what the guard has.
                    let environments = try SystemProcesses.descendants(of: node.processID).map {
                        try String(contentsOfFile: "/proc/\($0)/environ", encoding: .utf8)
                    }
                    #expect(environments.count >= 2)
                    for variables in environments.map({ $0.split(separator: "\0") }) {
                        #expect(variables.contains("TOKEN=a=b"))
                        #expect(variables.contains { $0.hasPrefix("PATH=") })
                    }
                }
            }
        #endif

        @Test func `an address that is taken gives one sentence`() async throws {
            try await RunningProgram.withNode(serving: "peers") { _, ready in
                let second = try await BuiltProgram.run("node", "--listen", ready.plainAddress)
                #expect(second.status == 1)
                #expect(second.error.filter { $0 == "\n" }.count == 1 && second.error.hasPrefix("error: "))
                #expect(second.error.contains(ready.plainAddress))
            }
        }

        private static let metrics = ["--metrics-listen", "127.0.0.1:0"]

        /// A node whose model is served by some program, with arguments separated by commas.
        private static func node(worker: String, _ arguments: String) -> [String] {
            [
                "node", "--json", "--stop-with-stdin", "--serve", "inference", "--log-level", "debug",
                "--worker", worker, "--set", "worker.arguments=\(arguments)", "--set", "worker.grace=100ms",
            ]
        }

        /// Waits until the node has logged `text`.
        private static func line(_ text: String, of node: RunningProgram) async throws {
            _ = try await node.error.first(text) { lines in lines.first { $0.contains(text) } }
        }

        /// Where the node says that its metrics are.
        private static func metricsPage(of node: RunningProgram) async throws -> String {
            try await node.error.first("the metrics address") { lines in
                lines.compactMap { $0.firstMatch(of: /http:\/\/127\.0\.0\.1:\d+\/metrics/)?.output }.first
                    .map { String($0) }
            }
        }

        /// What the node says of its health.
        private static func health(of node: RunningProgram) async throws -> (status: Int, body: String) {
            let page = try await metricsPage(of: node)
            return try await PageFetch.get(page.replacing("/metrics", with: "/healthz"))
        }
    }
}
