import Foundation
import LibP2P
import LibP2PIdentity
import LibP2PRPC
import Logging
import SubnetRPC
import SubnetServices
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

extension NetworkCommandTests {
    @Suite("Commands that call a node", .timeLimit(.minutes(1)))
    struct ClientCommandTests {
        private static let stranger = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"

        @Test func `ping measures, with and without the peer's id`() async throws {
            try await RunningProgram.withNode(serving: "peers") { _, ready in
                let people = try await BuiltProgram.run(
                    "ping", ready.address, "--count", "3", "--interval", "0.01")
                #expect(people.status == 0 && people.error == "")
                let lines = people.output.split(separator: "\n")
                #expect(lines.count == 4)
                #expect(lines[0].hasPrefix("\(ready.peer_id): ping 1, "))
                #expect(lines[3].hasPrefix("3 of 3 answered; minimum "))

                let json = try await BuiltProgram.run(
                    "ping", ready.plainAddress, "--count", "2", "--interval", "0.01", "--json")
                let objects = try JSONText.objects(json.output)
                #expect(objects.map { $0["sequence"] as? Int } == [1, 2, nil])
                #expect(objects.allSatisfy { $0["peer"] as? String == ready.peer_id })
                #expect(objects.last?["received"] as? Int == 2)
            }
        }

        @Test func `identify tells what a peer speaks, with and without its id`() async throws {
            try await RunningProgram.withNode(serving: "task,peers") { _, ready in
                for address in [ready.address, ready.plainAddress] {
                    let json = try await BuiltProgram.run("identify", address, "--json")
                    #expect(json.status == 0)
                    let report = try JSONText.object(json.output)
                    #expect(report["peer_id"] as? String == ready.peer_id)
                    #expect(report["key_type"] as? String == "ed25519")
                    #expect(report["listen"] as? [String] == [ready.plainAddress])
                    #expect(report["has_signed_record"] as? Bool == true)
                    let protocols = try #require(report["protocols"] as? [String])
                    let known = ["/ipfs/id/1.0.0", "/ipfs/ping/1.0.0", "/subnet/task_protocol/1.0.0"]
                    #expect(Set(protocols).isSuperset(of: known))
                }
                let people = try await BuiltProgram.run("identify", ready.address)
                #expect(people.output.contains("Peer id     \(ready.peer_id) (ed25519)\n"))
                #expect(people.output.contains("/subnet/task_protocol/1.0.0"))
            }
        }

        @Test func `announced addresses are what others hear`() async throws {
            let more = ["--set", "announce=/dns4/node.example/tcp/4001"]
            try await RunningProgram.withNode(serving: "peers", more) { _, ready in
                let report = try JSONText.object(
                    try await BuiltProgram.run("identify", ready.address, "--json").output)
                #expect(report["listen"] as? [String] == ["/dns4/node.example/tcp/4001"])
                #expect(report["has_signed_record"] as? Bool == true)
            }
        }

        @Test(arguments: [["ping"], ["identify"], ["call", "task"], ["infer"], ["perf", "run"]])
        func `another peer than the one named is refused`(command: [String]) async throws {
            try await RunningProgram.withNode(serving: "task,peers") { _, ready in
                let more =
                    [
                        "task": ["--task-id", "t", "--payload", "p"], "infer": ["--prompt", "p"],
                        "run": ["--upload-bytes", "1", "--download-bytes", "1"],
                    ][command.last ?? ""] ?? []
                let outcome = try await BuiltProgram.run(
                    command + ["\(ready.plainAddress)/p2p/\(Self.stranger)"] + more)
                #expect(outcome.status == 1)
                #expect(outcome.output == "")
                #expect(outcome.error.hasPrefix("error: ") && outcome.error.filter { $0 == "\n" }.count == 1)
                #expect(outcome.error.contains(ready.peer_id) || outcome.error.contains(Self.stranger))
            }
        }

        @Test func `call task sends a text, a file and standard input`() async throws {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent(
                "payload-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data([0xFF, 0x61, 0x00]).write(to: file)
            try await RunningProgram.withNode(serving: "task") { _, ready in
                let task = ["call", "task", ready.address, "--task-id", "t", "--payload"]
                let text = try await BuiltProgram.run(task + ["hallo", "--json"])
                #expect(text.status == 0)
                let answer = try JSONText.object(text.output)
                #expect(answer["accepted"] as? Bool == true)
                #expect(answer["result_text"] as? String == "HALLO")
                #expect(answer["result_base64"] as? String == "SEFMTE8=")
                #expect(answer["error"] as? String == "" && answer["peer"] as? String == ready.peer_id)
                #expect(answer["milliseconds"] is Double)

                let binary = try JSONText.object(
                    try await BuiltProgram.run(task + ["@\(file.path)", "--json"]).output)
                #expect(binary["result_base64"] as? String == Data([0xFF, 0x41, 0x00]).base64EncodedString())
                #expect(binary["result_text"] == nil)

                let input = try await BuiltProgram.run(task + ["-"], input: "from standard input")
                #expect(input.status == 0 && input.output == "FROM STANDARD INPUT")

                let dash = try await BuiltProgram.run(task + ["-x"])
                #expect(dash.output == "-X")
                let empty = try JSONText.object(try await BuiltProgram.run(task + ["", "--json"]).output)
                #expect(empty["accepted"] as? Bool == true && empty["result_text"] as? String == "")
            }
        }

        @Test func `a task that the peer does not accept is exit status 3`() async throws {
            try await withTaskPeer { _, _, _ in
                throw RPCError(.failedPrecondition, "only on \u{1b}[31mSundays")
            } body: { address in
                let task = ["call", "task", address, "--task-id", "t", "--payload", "p"]
                let people = try await BuiltProgram.run(task)
                #expect(people.status == 3)
                #expect(people.output == "")
                #expect(people.error.contains("did not accept the task: only on \u{FFFD}[31mSundays.\n"))
                let json = try await BuiltProgram.run(task + ["--json"])
                #expect(json.status == 3)
                let answer = try JSONText.object(json.output)
                #expect(answer["accepted"] as? Bool == false)
                #expect(answer["error"] as? String == "only on \u{1b}[31mSundays")
            }
        }

        @Test func `call task gives up after its timeout`() async throws {
            try await withTaskPeer { _, _, _ in
                let (forever, _) = AsyncStream.makeStream(of: Void.self)
                for await _ in forever {}
                throw CancellationError()
            } body: { address in
                let late = try await BuiltProgram.run(
                    "call", "task", address, "--task-id", "t", "--payload", "p", "--timeout", "0.3")
                #expect(late.status == 1)
                #expect(late.error.hasPrefix("error: ") && late.error.contains("deadline"), "\(late.error)")
            }
        }

        @Test func `a service that the peer does not serve is named`() async throws {
            try await RunningProgram.withNode(serving: "peers") { _, ready in
                let task = try await BuiltProgram.run(
                    "call", "task", ready.address, "--task-id", "t", "--payload", "p")
                #expect(task.status == 1)
                #expect(task.error.contains("/subnet/task_protocol/1.0.0"), "\(task.error)")
                let infer = try await BuiltProgram.run("infer", ready.address, "--prompt", "p")
                #expect(infer.status == 1)
                #expect(infer.error.contains("Inference"), "\(infer.error)")
            }
        }

        @Test func `a peer that is gone gives one sentence`() async throws {
            let gone = try await RunningProgram.withNode(serving: "task") { node, ready in
                node.signal(SIGKILL)
                _ = await node.exitStatus()
                return ready.address
            }
            for command in [
                ["ping", gone], ["identify", gone],
                ["call", "task", gone, "--task-id", "t", "--payload", "p"],
            ] {
                let outcome = try await BuiltProgram.run(command)
                #expect(outcome.status == 1)
                #expect(outcome.error.hasPrefix("error: ") && outcome.error.filter { $0 == "\n" }.count == 1)
                #expect(outcome.error.contains("127.0.0.1"), "\(outcome.error)")
            }
        }

        @Test func `perf measures both directions`() async throws {
            let serve = ["perf", "serve", "--listen", "/ip4/127.0.0.1/tcp/0", "--json"]
            try await RunningProgram.with(serve) { server in
                let ready = try await server.ready()
                let run = try await BuiltProgram.run(
                    "perf", "run", ready.address, "--upload-bytes", "3000000", "--download-bytes", "5000000",
                    "--json")
                #expect(run.status == 0)
                let report = try JSONText.object(run.output)
                #expect(
                    report["upload_bytes"] as? Int == 3_000_000
                        && report["download_bytes"] as? Int == 5_000_000)
                #expect((report["download_bytes_per_second"] as? Double ?? 0) > 0)
                let people = try await BuiltProgram.run(
                    "perf", "run", ready.plainAddress, "--upload-bytes", "0", "--download-bytes", "1")
                #expect(people.output.hasPrefix("Upload    0 B in "))
                server.signal(SIGTERM)
                #expect(await server.exitStatus() == 0)
            }
        }

        /// Runs `body` with the address of a peer in this process that serves TaskProtocol by `run`.
        private func withTaskPeer(
            _ run: @escaping @Sendable (String, [UInt8], CallContext) async throws -> [UInt8],
            body: (String) async throws -> Void
        ) async throws {
            let host = try Host(
                HostConfiguration(identity: .generate(.ed25519), listen: [Multiaddr("/ip4/127.0.0.1/tcp/0")]),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let router = Router(scheduler: .onLoop(host.schedulingLoop))
            try router.registerTaskProtocol(run)
            let server = LibP2PRPCServer(host: host, router: router)
            let address = try #require(try await host.start().first)
            do { try await body(address.description) } catch {
                await server.stop()
                await host.stop()
                throw error
            }
            await server.stop()
            await host.stop()
        }
    }
}
