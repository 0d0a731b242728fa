import Foundation
import LibP2P
import LibP2PIdentity
import LibP2PRPC
import Logging
import SubnetRPC
import SubnetServices
import Testing

/// A Python 3; the worker needs its standard library alone.
private let python = ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

private let worker = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Workers/python/parrot_worker.py").path

extension NetworkCommandTests {
    @Suite("A text worker in Python", .timeLimit(.minutes(1)), .enabled(if: python != nil, "needs python3"))
    struct TextWorkerTests {
        @Test func `a node serves Inference with it`() async throws {
            let interpreter = try #require(python)
            let settings = [
                "--set", "worker.executable=\(interpreter)", "--set", "worker.arguments=-B,\(worker)",
            ]
            try await RunningProgram.withNode(serving: "inference", settings) { node, hoster in
                try await withClient(of: hoster) { client, peer in
                    try await check(client, peer)
                }
                let people = try await BuiltProgram.run(
                    "infer", hoster.address, "--prompt", "Grüße", "--temperature", "0")
                #expect(people.status == 0 && people.output == "Grüße\n", "\(people.error)")
                node.signal(SIGTERM)
                #expect(await node.exitStatus() == 0)
            }
        }

        private func check(_ client: Client, _ peer: RPCPeer) async throws {
            let info = try await client.call(Inference.info, InferenceInfoRequest(), to: peer)
            #expect(info.model == "parrot" && info.fingerprint == "parrot-1")
            #expect(info.contextTokens == 8192 && info.concurrentCalls == 4)

            // A token is a byte, and 256 the end.
            var request = InferenceGenerateRequest()
            request.prompt = "Grüße"
            request.maxNewTokens = 16
            let greedy = try await answer(to: request, client, peer)
            let bytes: [UInt32] = [71, 114, 195, 188, 195, 159, 101]
            #expect(greedy.map(\.index) == Array(UInt32(0)...7))
            #expect(greedy.map(\.token) == bytes + [256])
            #expect(String(decoding: greedy.flatMap(\.text), as: UTF8.self) == "Grüße")
            #expect(greedy.map(\.finishReason) == ["", "", "", "", "", "", "", "stop"])

            // All fields arrive: what is drawn depends on the temperature and the seed.
            request.temperature = 0.9
            request.topK = 300
            request.topP = 0.5
            request.seed = .max
            let drawn: [UInt32] = [188, 188, 159, 114, 71, 195, 114, 159, 159, 256]
            #expect(try await answer(to: request, client, peer).map(\.token) == drawn)
            request.generatedTokens = Array(drawn.prefix(4))
            request.maxNewTokens = 7
            let rest = try await answer(to: request, client, peer)
            #expect(rest.map(\.index) == Array(UInt32(4)...6))
            #expect(rest.map(\.token) == Array(drawn[4...6]))
            #expect(rest.map(\.finishReason) == ["", "", "length"])

            var long = InferenceGenerateRequest()
            long.prompt = String(repeating: "a", count: 8192)
            long.maxNewTokens = 1
            let refused = await failure { _ = try await answer(to: long, client, peer) }
            #expect(refused?.code == .invalidArgument)
            #expect(refused?.message.contains("at most 8192 bytes") == true)
        }

        private func answer(
            to request: InferenceGenerateRequest, _ client: Client, _ peer: RPCPeer
        ) async throws -> [InferenceGenerateResponse] {
            var tokens: [InferenceGenerateResponse] = []
            for try await token in try await client.call(Inference.generate, request, to: peer) {
                tokens.append(token)
            }
            return tokens
        }

        /// The error of a call that fails.
        private func failure(_ call: () async throws -> Void) async -> RPCError? {
            do {
                try await call()
                return nil
            } catch {
                return error as? RPCError
            }
        }

        /// Runs `body` with a client in this process that is connected to the node.
        private func withClient(
            of node: RunningProgram.Ready, _ body: (Client, RPCPeer) async throws -> Void
        ) async throws {
            let host = try Host(
                HostConfiguration(identity: .generate(.ed25519)),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let scheduler: any RPCScheduler = .onLoop(host.schedulingLoop)
            let client = Client(wire: LibP2PWire(host: host, scheduler: scheduler), scheduler: scheduler)
            do {
                let peer = try await host.connect(to: Multiaddr(node.address))
                try await body(client, RPCPeer(peer))
            } catch {
                await host.stop()
                throw error
            }
            await host.stop()
        }
    }
}
