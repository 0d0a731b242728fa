import Foundation
import Subprocess
import Synchronization
import Testing

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The real Bittensor SDK as a process that is commanded by JSON lines: Interop/README.md is its manual.
final class BittensorPeer: Sendable {
    /// Which SDK.
    enum Kind: String, Sendable {
        /// 10.5.0: Axon, Dendrite, Synapse.
        case sdk10 = "bittensor"
        /// 11.3.0: `http_auth`, which is `btauth/1`.
        case sdk11 = "bittensor11"

        var python: String { "\(Repository.interop)/\(self.rawValue)/bin/python" }
        var program: String { self == .sdk10 ? "bittensor_peer.py" : "bittensor11_peer.py" }
        var isInstalled: Bool {
            FileManager.default.fileExists(atPath: "\(Repository.interop)/\(self.rawValue)/stamp")
        }
    }

    /// Addresses of its two keys, and the port that it listens on.
    let hotkey: String
    let dendriteHotkey: String
    let ed25519Hotkey: String?
    let port: Int
    private let events: EventLog<JSON>
    private let orders: AsyncStream<String>.Continuation
    private let counter = Atomic<Int>(0)
    private let errors: ErrorTail

    private final class ErrorTail: Sendable {
        private let tail = Mutex("")
        func add(_ line: String) { self.tail.withLock { $0 = String(($0 + line + "\n").suffix(4000)) } }
        var text: String { self.tail.withLock { $0 } }
    }

    private init(
        _ ready: JSON, _ events: EventLog<JSON>, _ orders: AsyncStream<String>.Continuation,
        _ errors: ErrorTail
    ) throws {
        guard let hotkey = ready["hotkey"].text, let dendrite = ready["dendrite_hotkey"].text else {
            throw InteropFailure("the SDK is ready without keys: \(ready.line)")
        }
        self.hotkey = hotkey
        self.dendriteHotkey = dendrite
        self.ed25519Hotkey = ready["dendrite_hotkey_ed25519"].text
        self.port = ready["listen"].text?.split(separator: ":").last.flatMap { Int($0) } ?? 0
        self.events = events
        self.orders = orders
        self.errors = errors
    }

    /// Runs a peer beside `body`; it ends with its standard input.
    static func with<Value: Sendable>(
        _ kind: Kind, options: [String] = [],
        _ body: @escaping @Sendable (BittensorPeer) async throws -> Value
    ) async throws -> Value {
        guard kind.isInstalled else {
            throw InteropFailure(
                "\(kind.rawValue) is not installed: `make test` or dev/interop-setup installs it")
        }
        let (lines, orders) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(256))
        let events = EventLog<JSON>()
        let errors = ErrorTail()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await Self.live(kind, options, events, lines, errors) }
            defer { orders.finish() }
            do {
                let ready = try await events.first("the start of \(kind.rawValue)", seconds: 60) {
                    $0["event"].text == "ready"
                }
                return try await body(BittensorPeer(ready, events, orders, errors))
            } catch {
                throw InteropFailure("\(error)\n\(errors.text)")
            }
        }
    }

    private static func live(
        _ kind: Kind, _ options: [String], _ events: EventLog<JSON>, _ lines: AsyncStream<String>,
        _ errors: ErrorTail
    ) async {
        do {
            _ = try await Subprocess.run(
                .path(FilePath(kind.python)), arguments: Arguments(["Interop/\(kind.program)"] + options),
                workingDirectory: FilePath(Repository.root), input: .inputWriter, output: .sequence,
                error: .sequence
            ) { execution in
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        do {
                            for try await line in execution.standardOutput.strings() {
                                if let event = JSON(line: line) { events.append(event) }
                            }
                        } catch { errors.add("standard output: \(error)") }
                        events.finish(InteropFailure("the peer's process ended"))
                    }
                    group.addTask {
                        do {
                            for try await line in execution.standardError.strings() { errors.add(line) }
                        } catch { errors.add("standard error: \(error)") }
                    }
                    for await line in lines {
                        do {
                            _ = try await execution.standardInputWriter.write(line + "\n")
                        } catch { errors.add("standard input: \(error)") }
                    }
                    try? await execution.standardInputWriter.finish()
                    await group.waitForAll()
                }
            }
        } catch {
            errors.add("\(error)")
        }
        events.finish(InteropFailure("the peer's process ended"))
    }

    /// Commands, and waits for the answer.
    /// - Throws: when the peer says that it failed.
    func command(_ command: String, _ arguments: [String: JSON], seconds: Int = 60) async throws -> JSON {
        let id = self.counter.add(1, ordering: .relaxed).newValue
        var members = arguments
        members["command"] = .text(command)
        members["id"] = .number(Double(id))
        self.orders.yield(JSON.object(members).line)
        let answer = try await self.events.first("\(command) at the SDK", seconds: seconds) {
            $0["event"].text == "result" && $0["id"].int == id
        }
        guard answer["ok"].bool == true else {
            throw InteropFailure("the SDK failed to \(command): \(answer["error"].line)\n\(self.errors.text)")
        }
        return answer
    }

    /// One call of its dendrite.
    /// - Returns: what the dendrite made of the answer.
    func call(
        _ name: String, _ fields: [String: JSON], port: Int, hotkey: String, timeout: Double = 12
    ) async throws -> JSON {
        let answer = try await self.command(
            "call",
            [
                "name": .text(name), "fields": .object(fields), "axon": .text("127.0.0.1:\(port)"),
                "axon_hotkey": .text(hotkey), "timeout": .number(timeout),
            ])
        return answer["synapse"]
    }
}
