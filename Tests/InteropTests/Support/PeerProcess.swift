import Foundation
import Subprocess
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A peer that is not ours, as a process which is commanded by JSON lines: Interop/README.md is its manual.
final class PeerProcess: Sendable {
    /// What the peer said, in order; finished when its process has ended.
    let events: EventLog<JSON>
    /// Its id and the address that it listens on.
    let peerID: String
    let address: String
    private let kind: PeerKind
    private let control: Control

    private enum Order: Sendable {
        case line(String)
        case kill
    }

    /// What the task that owns the process and the rest share.
    private final class Control: Sendable {
        let events = EventLog<JSON>()
        let orders: AsyncStream<Order>.Continuation
        private let tail = Mutex("")
        private let counter = Atomic<Int>(0)
        private let life = Mutex<Task<Void, Never>?>(nil)

        init(_ orders: AsyncStream<Order>.Continuation) { self.orders = orders }

        func setLife(_ task: Task<Void, Never>) { self.life.withLock { $0 = task } }
        func ended() async { await self.life.withLock { $0 }?.value }
        func nextID() -> Int { self.counter.add(1, ordering: .relaxed).newValue }
        func addError(_ line: String) { self.tail.withLock { $0 = String(($0 + line + "\n").suffix(4000)) } }
        var errors: String { self.tail.withLock { $0 } }
    }

    private init(kind: PeerKind, control: Control, ready: JSON) throws {
        guard let peerID = ready["peer_id"].text, let address = ready["addrs"].texts.first else {
            throw InteropFailure("\(kind.title) is ready without id or address: \(ready.line)")
        }
        self.events = control.events
        self.peerID = peerID
        self.address = address
        self.kind = kind
        self.control = control
    }

    /// The end of its standard error.
    var errors: String { self.control.errors }
    /// Whether its process is gone.
    var hasEnded: Bool { self.events.isFinished }

    /// Starts a peer and waits until it listens.
    static func start(_ kind: PeerKind, _ security: Security, options: [String] = []) async throws
        -> PeerProcess
    {
        if let missing = kind.missing {
            throw InteropFailure(
                "\(kind.title) is not installed (.build/interop/\(missing) is missing): "
                    + "`make test` or dev/interop-setup installs it")
        }
        let (orders, continuation) = AsyncStream.makeStream(
            of: Order.self, bufferingPolicy: .bufferingOldest(256))
        let control = Control(continuation)
        let arguments = ["Interop/\(kind.program)", "--security", security.rawValue] + options
        // Its parent is `control`, which keeps it until the process ended; the process ends with its standard
        // input.
        control.setLife(Task { await Self.live(arguments, control, orders) })
        do {
            let ready = try await control.events.first("the start of \(kind.title)", seconds: 45) {
                $0["event"].text == "ready"
            }
            return try PeerProcess(kind: kind, control: control, ready: ready)
        } catch {
            continuation.yield(.kill)
            await control.ended()
            throw InteropFailure("\(kind.title) did not start: \(error)\n\(control.errors)")
        }
    }

    private static func live(_ arguments: [String], _ control: Control, _ orders: AsyncStream<Order>) async {
        var reason = InteropFailure("the peer's process ended")
        do {
            let result = try await Subprocess.run(
                .path(FilePath(Repository.python)), arguments: Arguments(arguments),
                workingDirectory: FilePath(Repository.root), input: .inputWriter, output: .sequence,
                error: .sequence
            ) { execution in
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        do {
                            for try await line in execution.standardOutput.strings() {
                                if let event = JSON(line: line) { control.events.append(event) }
                            }
                        } catch { control.addError("standard output: \(error)") }
                        control.orders.finish()
                    }
                    group.addTask {
                        do {
                            for try await line in execution.standardError.strings() { control.addError(line) }
                        } catch { control.addError("standard error: \(error)") }
                    }
                    for await order in orders {
                        do {
                            switch order {
                            case .line(let line):
                                _ = try await execution.standardInputWriter.write(line + "\n")
                            case .kill: try execution.send(signal: .kill)
                            }
                        } catch { control.addError("standard input: \(error)") }
                    }
                    try? await execution.standardInputWriter.finish()
                    await group.waitForAll()
                }
            }
            reason = InteropFailure("the peer's process ended: \(result.terminationStatus)")
        } catch {
            control.addError("\(error)")
            reason = InteropFailure("the peer's process cannot be run: \(error)")
        }
        control.events.finish(reason)
    }

    /// Commands without waiting for the answer.
    /// - Returns: the id of the command.
    @discardableResult
    func send(_ command: String, _ arguments: [String: JSON] = [:]) -> Int {
        let id = self.control.nextID()
        var members = arguments
        members["command"] = .text(command)
        members["id"] = .number(Double(id))
        self.control.orders.yield(.line(JSON.object(members).line))
        return id
    }

    /// Commands, and waits for the answer.
    /// - Throws: when the peer says that it failed.
    func command(_ command: String, _ arguments: [String: JSON] = [:], seconds: Int = 30) async throws -> JSON
    {
        let id = self.send(command, arguments)
        let answer = try await self.events.first("\(command) at \(self.kind.title)", seconds: seconds) {
            $0["event"].text == "result" && $0["id"].int == id
        }
        guard answer["ok"].bool == true else {
            throw InteropFailure("\(self.kind.title) failed to \(command): \(answer["error"].line)")
        }
        return answer
    }

    /// Waits for something that the peer says of its own accord about `peer`.
    func event(_ name: String, about peer: String, seconds: Int = 10) async throws -> JSON {
        try await self.events.first("\(name) at \(self.kind.title)", seconds: seconds) {
            $0["event"].text == name && $0["peer"].text == peer
        }
    }

    /// SIGKILLs what speaks libp2p: the process, or the daemon behind it.
    func kill() {
        switch self.kind {
        case .pyLibP2P: self.control.orders.yield(.kill)
        case .goLibP2P: self.send("kill")
        }
    }

    /// Ends it, gently first.
    func stop() async {
        self.send("exit")
        // Throws when the process has ended, and when it did not in time.
        _ = try? await self.events.first("the end of \(self.kind.title)", seconds: 5) { _ in false }
        if !self.hasEnded { self.control.orders.yield(.kill) }
        self.control.orders.finish()
        await self.control.ended()
    }
}

/// The peers that the tests share: each starts in a second or two, and again when a test broke it.
actor SharedPeers {
    static let shared = SharedPeers()

    private var peers: [String: PeerProcess] = [:]

    func peer(_ lane: Lane) async throws -> PeerProcess {
        let key = "\(lane.kind) \(lane.security)"
        if let peer = self.peers[key], !peer.hasEnded { return peer }
        let peer = try await PeerProcess.start(lane.kind, lane.security)
        self.peers[key] = peer
        return peer
    }

    func stop() async {
        let peers = self.peers.values
        self.peers = [:]
        for peer in peers { await peer.stop() }
    }
}
