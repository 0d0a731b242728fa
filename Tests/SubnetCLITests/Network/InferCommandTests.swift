import Foundation
import LibP2P
import LibP2PIdentity
import LibP2PRPC
import Logging
import SubnetRPC
import SubnetServices
import Testing

extension NetworkCommandTests {
    @Suite("subnet infer", .timeLimit(.minutes(2)))
    struct InferCommandTests {
        private static let flags = ["--prompt", "Once upon a time", "--max-new-tokens", "24", "--seed", "7"]

        private func text(_ lines: [[String: Any]]) -> String {
            lines.compactMap { $0["event"] as? String == "token" ? $0["text"] as? String : nil }.joined()
        }

        @Test func `streams the answer of a peer named by address, or by id through a bootstrap node`()
            async throws
        {
            try await RunningProgram.withNode(serving: "peers") { _, bootnode in
                let more = ["--bootstrap", bootnode.address]
                try await RunningProgram.withNode(serving: "inference", more) { node, hoster in
                    let first = try await BuiltProgram.run(["infer", hoster.address, "--json"] + Self.flags)
                    #expect(first.status == 0)
                    let lines = try JSONText.objects(first.output)
                    #expect(lines.count == 25)
                    #expect(lines.dropLast().map { $0["index"] as? Int } == (0..<24).map { $0 })
                    let done = try #require(lines.last)
                    #expect(done["event"] as? String == "done")
                    #expect(done["peer"] as? String == hoster.peer_id)
                    #expect(done["seed"] as? Int == 7 && done["new_tokens"] as? Int == 24)
                    #expect(done["finish_reason"] as? String == "length")

                    // The bootnode knows the hoster once it has been identified.
                    let byID = try await BuiltProgram.run(
                        ["infer", hoster.peer_id, "--bootstrap", bootnode.address, "--json"] + Self.flags)
                    #expect(byID.status == 0, "\(byID.error)")
                    #expect(text(try JSONText.objects(byID.output)) == text(lines))

                    let people = try await BuiltProgram.run(["infer", hoster.address] + Self.flags)
                    #expect(people.output == text(lines) + "\n")
                    #expect(people.error.contains("24 tokens from \(hoster.peer_id)"))

                    var other = Self.flags
                    other[5] = "8"
                    let different = try await BuiltProgram.run(["infer", hoster.address, "--json"] + other)
                    #expect(text(try JSONText.objects(different.output)) != text(lines))

                    let greedy = ["--temperature", "0", "--json"] + Self.flags
                    let one = try await BuiltProgram.run(["infer", hoster.address] + greedy)
                    let two = try await BuiltProgram.run(
                        ["infer", hoster.address] + greedy.dropLast() + ["9"])
                    #expect(text(try JSONText.objects(one.output)) == text(try JSONText.objects(two.output)))

                    let stranger = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
                    let unknown = try await BuiltProgram.run(
                        ["infer", stranger, "--bootstrap", bootnode.address] + Self.flags)
                    #expect(unknown.status == 1)
                    #expect(unknown.error.contains("no address is known for \(stranger)"), "\(unknown.error)")

                    let tooMany = try await BuiltProgram.run(
                        "infer", hoster.address, "--prompt", "p", "--max-new-tokens", "5000")
                    #expect(tooMany.status == 1)
                    #expect(
                        tooMany.error.contains("max_new_tokens must be between 1 and 4096"),
                        "\(tooMany.error)")

                    node.signal(SIGTERM)
                    #expect(await node.exitStatus() == 0)
                }
            }
        }

        @Test
        func `tokens come while the answer is generated, and a hoster that dies ends it with a sentence`()
            async throws
        {
            let slow = ["--set", "worker.arguments=--tokens-per-second,20"]
            try await RunningProgram.withNode(serving: "inference", slow) { node, hoster in
                let arguments = [
                    "infer", hoster.address, "--json", "--prompt", "a", "--max-new-tokens", "400",
                ]
                try await RunningProgram.with(arguments) { client in
                    // At this pace the whole answer would take 20 seconds: its beginning is here before its
                    // end exists.
                    _ = try await client.output.first("a token") { $0.count >= 3 ? $0 : nil }
                    #expect(client.output.lines.count < 400)
                    node.signal(SIGKILL)
                    #expect(await client.exitStatus() == 1)
                    try await client.error.ended()
                    #expect(
                        client.error.lines.count == 1 && client.error.text.hasPrefix("error: "),
                        "\(client.error.text)")
                }
            }
        }
    }

    @Suite("The embedded model of a node", .timeLimit(.minutes(1)))
    struct EmbeddedModelTests {
        /// Takes a minute at one token a second.
        private static var longRequest: InferenceGenerateRequest {
            var request = InferenceGenerateRequest()
            request.prompt = "Once upon a time"
            request.maxNewTokens = 48
            request.temperature = 0.7
            request.topK = 40
            request.topP = 0.95
            request.seed = 7
            return request
        }

        @Test
        func `answers as many calls as worker.calls-max allows, and tells of itself while it does`()
            async throws
        {
            let settings = [
                "--set", "worker.calls-max=6", "--set", "worker.arguments=--tokens-per-second,1",
            ]
            try await RunningProgram.withNode(serving: "inference", settings) { _, hoster in
                try await withClient(of: hoster.address) { client, peer in
                    let info = try await client.call(Inference.info, InferenceInfoRequest(), to: peer)
                    #expect(info.concurrentCalls == 6)
                    var answers: [ResponseStream<InferenceGenerateResponse>.Iterator] = []
                    for _ in 0..<6 {
                        let responses = try await client.call(
                            Inference.generate, Self.longRequest, to: peer, deadline: .seconds(60))
                        let answer = responses.makeAsyncIterator()
                        let first = try await answer.next()
                        #expect(first?.index == 0 && first?.finishReason == "")
                        answers.append(answer)
                    }
                    let again = try await client.call(Inference.info, InferenceInfoRequest(), to: peer)
                    #expect(again.fingerprint == info.fingerprint)
                    let refusal = await #expect(throws: RPCError.self) {
                        let more = try await client.call(Inference.generate, Self.longRequest, to: peer)
                        for try await _ in more {}
                    }
                    #expect(refusal?.code == .resourceExhausted && refusal?.retryAfter != nil)
                    // Dropped, an answer would end and make room.
                    #expect(answers.count == 6)
                    withExtendedLifetime(answers) {}
                }
            }
        }

        /// Runs `body` with a client of the node at `address`.
        private func withClient(
            of address: String, _ body: (Client, RPCPeer) async throws -> Void
        ) async throws {
            let host = try Host(
                HostConfiguration(identity: .generate(.ed25519)),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let scheduler = host.makeRPCScheduler()
            let client = Client(wire: LibP2PWire(host: host, scheduler: scheduler), scheduler: scheduler)
            do {
                let peer = try await host.connect(to: Multiaddr(address))
                try await body(client, RPCPeer(peer))
            } catch {
                await host.stop()
                throw error
            }
            await host.stop()
        }
    }

    @Suite("subnet demo", .timeLimit(.minutes(3)))
    struct DemoCommandTests {
        @Test func `shows a hoster killed and the other going on with an equal text`() async throws {
            try await RunningProgram.with(["demo", "--json", "--max-new-tokens", "48"]) { demo in
                let last = try await demo.output.first("the report") { lines in
                    lines.last.flatMap { $0.contains("\"event\":\"done\"") ? $0 : nil }
                }
                #expect(await demo.exitStatus() == 0)
                try await demo.error.ended()
                #expect(demo.error.text == "")
                let lines = try JSONText.objects(demo.output.text)
                let events = lines.compactMap { $0["event"] as? String }
                #expect(events.filter { $0 == "started" }.count == 3)
                #expect(events.filter { $0 == "killed" } == ["killed"])
                #expect(events.filter { $0 == "continued" } == ["continued"])
                // What had arrived before the kill counts: the other goes on behind the last token shown.
                let change = try #require(events.firstIndex(of: "continued"))
                let shown = events[..<change].filter { $0 == "token" }.count
                #expect(shown >= 24 && lines[change]["index"] as? Int == shown)
                let tokens = lines.filter { $0["event"] as? String == "token" }
                #expect(tokens.map { $0["index"] as? Int } == (0..<48).map { $0 })
                let report = try JSONText.object(last)
                #expect(report["equal_to_undisturbed"] as? Bool == true)
                #expect(report["tokens"] as? Int == 48 && report["peers"] as? Int == 3)
                #expect(report["text"] as? String == tokens.compactMap { $0["text"] as? String }.joined())
                #expect((report["first_token_milliseconds"] as? Double ?? 0) > 0)
                #expect((report["bytes_received"] as? Int ?? 0) > 1000)
                let ids = lines.compactMap { ($0["process_id"] as? Int).map(Int32.init) }
                #expect(ids.count == 3)
                #expect(await SystemProcesses.survivors(of: ids, afterAtMost: 20) == [])
            }
        }

        @Test func `for people it ends in a table`() async throws {
            let outcome = try await BuiltProgram.run(
                "demo", "--max-new-tokens", "48", "--prompt", "Once upon a time")
            #expect(outcome.status == 0 && outcome.error == "")
            for row in [
                "\n\nOnce", "killed after 24 tokens]", "equal, no token lost or repeated",
                "First token ", "Tokens            48, ", "Bytes ", "Peers             3\n",
            ] {
                #expect(outcome.output.contains(row), "\(row) in \(outcome.output)")
            }
            // Tokens may have arrived before the kill did: they are shown, and the other goes on behind them.
            let change = try #require(
                outcome.output.firstMatch(of: /tokens\]\n([^\[]*)  \[…\w+ continues with token (\d+)\]/),
                "\(outcome.output)")
            let next = try #require(Int(change.output.2))
            #expect(next >= 24 && next < 48)
            #expect(next > 24 || change.output.1.isEmpty)
        }

        @Test func `killed with SIGKILL it leaves no node and no worker behind`() async throws {
            try await RunningProgram.with(["demo", "--json", "--max-new-tokens", "400"]) { demo in
                _ = try await demo.output.first("tokens") { $0.count > 8 ? $0 : nil }
                let started = try JSONText.objects(demo.output.lines.joined(separator: "\n"))
                    .compactMap { ($0["process_id"] as? Int).map(Int32.init) }
                #expect(started.count == 3)
                // Nodes, guards and workers, as far as the system tells.
                let all = Set(started + SystemProcesses.descendants(of: demo.processID))
                #if os(Linux)
                    #expect(all.count >= 7)
                #endif
                demo.signal(SIGKILL)
                _ = await demo.exitStatus()
                #expect(await SystemProcesses.survivors(of: all.sorted(), afterAtMost: 30) == [])
            }
        }
    }
}
