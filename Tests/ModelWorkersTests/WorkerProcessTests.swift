internal import Foundation
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Testing

@testable import ModelWorkers

@Suite("Real worker processes", .timeLimit(.minutes(2)))
struct WorkerProcessTests {
    @Test("A worker reports ready with its own, clean environment, and answers")
    func ready() async throws {
        var configuration = TestPrograms.configuration("serve")
        configuration.environment["HOME"] = "/nowhere"
        let log = LogRecorder()
        try await withSupervisor(configuration, logger: log.logger) { supervisor in
            let info = try await supervisor.waitUntilReady(deadline: soon())
            #expect(info.name == "test")
            #expect(info.info["home"] == "/nowhere")
            #expect(supervisor.state.phase == .ready)
            #expect(info.info["pid"] == supervisor.state.processID.map { "\($0)" })
            let replies = try supervisor.call("echo", payload: ByteBuffer(string: "hi"), deadline: soon())
            #expect(try await replies.single() == ByteBuffer(string: "hi"))
            let printed = try supervisor.call("print", payload: ByteBuffer(), deadline: soon())
            #expect(try await printed.single() == ByteBuffer(string: "done"))
        }
        #expect(log.text.contains("the test worker starts"))
        #expect(log.text.contains("printed by a library"))
        #expect(log.text.contains("the worker has stopped: exit code 0"))
    }

    @Test("Items stream in order, many calls at once")
    func streaming() async throws {
        try await withSupervisor(TestPrograms.configuration("serve")) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for count in [0, 1, 31, 32, 33, 64, 500, 2000] {
                    group.addTask {
                        let replies = try supervisor.call(
                            "count", payload: ByteBuffer(string: "\(count)"), deadline: soon())
                        var next = 0
                        for try await item in replies {
                            #expect(String(buffer: item) == "\(next)")
                            next += 1
                        }
                        #expect(next == count)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("A megabyte goes there and back, and an item over the frame limit fails its call only")
    func large() async throws {
        try await withSupervisor(TestPrograms.configuration("serve")) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            let payload = ByteBuffer(repeating: 7, count: 1 << 20)
            #expect(try await supervisor.call("echo", payload: payload, deadline: soon()).single() == payload)
            let tooLarge = try supervisor.call(
                "large", payload: ByteBuffer(string: "\(5 << 20)"), deadline: soon())
            await #expect { try await tooLarge.single() } throws: {
                ($0 as? WorkerError)?.code == .callFailed
            }
            #expect(
                throws: WorkerError.self,
                performing: {
                    try supervisor.call(
                        "echo", payload: ByteBuffer(repeating: 7, count: 5 << 20), deadline: soon())
                })
            #expect(try await supervisor.call("echo", payload: payload, deadline: soon()).single() == payload)
        }
    }

    @Test("A consumer that does not read stops the worker, others go on")
    func backPressure() async throws {
        try await withSupervisor(TestPrograms.configuration("serve")) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            let endless = try supervisor.call("count", payload: ByteBuffer(), deadline: soon(60))
            var iterator = endless.makeAsyncIterator()
            #expect(try await iterator.next() == ByteBuffer(string: "0"))
            // A whole other conversation: by its end an unbounded producer would have sent far more.
            let other = try supervisor.call("count", payload: ByteBuffer(string: "5000"), deadline: soon())
            for try await _ in other {}
            let connection = endless.handle.connection
            let window = WorkerLimits().itemsUnconsumedMax
            #expect(connection.queuedBytes <= window * 8)
            for number in 1..<200 {
                #expect(try await iterator.next() == ByteBuffer(string: "\(number)"))
            }
        }
    }

    @Test("Cancelling, dropping or leaving a call ends it in the worker")
    func cancel() async throws {
        var configuration = TestPrograms.configuration("serve")
        configuration.limits.callsInFlightMax = 1
        // Long waits for the place to come free are what this bound is for.
        configuration.limits.cancelGrace = .seconds(20)
        try await withSupervisor(configuration) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            for method in ["count", "spin"] {
                do {
                    let replies = try supervisor.call(method, payload: ByteBuffer(), deadline: soon(60))
                    for try await _ in replies { break }
                    #expect {
                        try supervisor.call("echo", payload: ByteBuffer(), deadline: soon())
                    } throws: { error in
                        (error as? WorkerError)?.code == .busy && (error as? WorkerError)?.retryAfter != nil
                    }
                }
                // The sequence is gone, so the call was cancelled; its place comes free with the worker's
                // end.
                try await Self.callWhenFree(supervisor)
            }
            let replies = try supervisor.call("spin", payload: ByteBuffer(), deadline: soon(60))
            let (starts, started) = AsyncStream.makeStream(
                of: Void.self, bufferingPolicy: .bufferingOldest(1))
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    var iterator = replies.makeAsyncIterator()
                    _ = try? await iterator.next()
                    started.finish()
                    let code = await Self.failure { _ = try await iterator.next() }
                    #expect(code == .cancelled)
                }
                for await _ in starts {}
                group.cancelAll()
            }
            try await Self.callWhenFree(supervisor)
        }
    }

    /// The code of the error that `body` throws.
    private static func failure(_ body: () async throws -> Void) async -> WorkerError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? WorkerError)?.code
        }
    }

    /// Calls until the place is free; a deadline bounds it.
    private static func callWhenFree(_ supervisor: WorkerSupervisor) async throws {
        let end = soon(20)
        while true {
            do {
                _ = try await supervisor.call("echo", payload: ByteBuffer(string: "x"), deadline: end)
                    .single()
                return
            } catch let error where error.code == .busy {
                guard NIODeadline.now() < end else { throw error }
                await Task.yield()
            }
        }
    }

    @Test("A deadline ends the call on both sides")
    func deadline() async throws {
        try await withSupervisor(TestPrograms.configuration("serve")) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            let replies = try supervisor.call(
                "spin", payload: ByteBuffer(), deadline: .now() + .milliseconds(200))
            await #expect {
                for try await _ in replies {}
            } throws: {
                ($0 as? WorkerError)?.code == .deadlineExceeded
            }
        }
    }

    @Test("The worker's own status and unknown methods reach the caller, the worker lives on")
    func status() async throws {
        try await withSupervisor(TestPrograms.configuration("serve")) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            for (method, code) in [("fail", UInt32(3)), ("no such method", 12)] {
                let replies = try supervisor.call(
                    method, payload: ByteBuffer(string: "bad"), deadline: soon())
                await #expect { try await replies.single() } throws: {
                    ($0 as? WorkerError)?.status?.code == code
                }
            }
            #expect(supervisor.state.starts == 1)
        }
    }

    @Test("Of an unexpected error the caller sees fixed words, the log what it says")
    func unexpectedError() async throws {
        let log = LogRecorder()
        try await withSupervisor(TestPrograms.configuration("serve"), logger: log.logger) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            let replies = try supervisor.call(
                "break", payload: ByteBuffer(string: "/home/alice/key"), deadline: soon())
            await #expect { try await replies.single() } throws: {
                let expected = WorkerStatus.unknown("the worker failed; its log says why")
                return ($0 as? WorkerError)?.status == expected
            }
        }
        #expect(log.text.contains("/home/alice/key"))
    }

    @Test(
        "A crash fails the calls in flight at once with the exit status, and the worker is started again",
        arguments: ["kill", "exit"])
    func crash(how: String) async throws {
        var configuration = TestPrograms.configuration("serve")
        configuration.restart.failuresMax = nil
        let delays = Mutex<[TimeAmount]>([])
        try await withSupervisor(configuration, sleep: { delay in delays.withLock { $0.append(delay) } }) {
            supervisor in
            for start in 1...3 {
                let state = try await supervisor.wait(deadline: soon()) {
                    $0.phase == .ready && $0.starts == start
                }
                #expect(state.lastFailure == nil || start > 1)
                let bystander = try supervisor.call("spin", payload: ByteBuffer(), deadline: soon(60))
                let victim = try supervisor.call(
                    "crash", payload: ByteBuffer(string: how), deadline: soon(60))
                var items = 0
                await #expect {
                    for try await item in victim {
                        #expect(String(buffer: item) == "\(items)")
                        items += 1
                    }
                } throws: { error in
                    let error = error as? WorkerError
                    return error?.code == .workerDied
                        && error?.exit == (how == "kill" ? .signaled(9) : .exited(7))
                }
                #expect(items >= WorkerLimits().itemsUnconsumedMax / 2)
                await #expect {
                    for try await _ in bystander {}
                } throws: {
                    ($0 as? WorkerError)?.code == .workerDied
                }
            }
        }
        #expect(delays.withLock { $0.prefix(2) } == [.milliseconds(250), .milliseconds(500)])
    }

    @Test(
        "A worker that breaks the wire, dies early or never gets ready is killed and named",
        arguments: [
            ("garbage", WorkerError.Code.protocolViolation), ("oversized", .frameTooLarge),
            ("never-ready", .startTimedOut), ("close-stdout", .workerDied), ("exit", .workerDied),
        ])
    func broken(mode: String, code: WorkerError.Code) async throws {
        var configuration = TestPrograms.configuration(mode, "3")
        if mode == "never-ready" { configuration.startTimeout = .milliseconds(300) }
        let supervisor = try WorkerSupervisor(configuration: configuration, logger: silentLogger)
        await #expect { try await supervisor.run() } throws: { ($0 as? WorkerError)?.code == code }
        #expect(supervisor.state.phase == .stopped)
        await #expect { try await supervisor.waitUntilReady(deadline: soon()) } throws: {
            ($0 as? WorkerError)?.code == .stopped
        }
    }

    @Test("Waiting between starts is real, and stop ends it")
    func stopDuringBackoff() async throws {
        var configuration = TestPrograms.configuration("exit", "3")
        configuration.restart.failuresMax = nil
        let sleeps = Mutex(0)
        let supervisor = try WorkerSupervisor(
            configuration: configuration, logger: silentLogger,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            sleep: { _ in
                let count = sleeps.withLock { count in
                    count += 1
                    return count
                }
                // The third wait would last for ever.
                if count == 3 { for await _ in AsyncStream<Never>.makeStream().stream {} }
            }, random: { 0.5 })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await supervisor.run() }
            _ = try await supervisor.wait(deadline: soon()) { $0.phase == .restarting && $0.starts == 3 }
            supervisor.stop()
            try await group.waitForAll()
        }
        #expect(supervisor.state.starts == 3)
        #expect(supervisor.state.phase == .stopped)
        #expect(supervisor.state.lastFailure?.contains("exit code 3") == true)
    }

    @Test("Starting, dying and failing to start leave no descriptor behind")
    func descriptors() async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: TestPrograms.worker)
        process.arguments = ["count-descriptors"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text == "workerDied\nworkerDied\nstartFailed\nstartFailed\n0\n")
    }

    @Test("An executable that does not exist is named, be it the worker or the guard")
    func missing() async throws {
        var noWorker = TestPrograms.configuration("serve")
        noWorker.executable = "/nonexistent/worker"
        var noGuard = TestPrograms.configuration("serve")
        noGuard.guardCommand.executable = "/nonexistent/guard"
        for configuration in [noWorker, noGuard] {
            let supervisor = try WorkerSupervisor(configuration: configuration, logger: silentLogger)
            await #expect { try await supervisor.run() } throws: {
                ($0 as? WorkerError)?.code == .startFailed
            }
        }
    }

    @Test("A worker that never ends a cancelled call counts as hung and is replaced")
    func hung() async throws {
        var configuration = TestPrograms.configuration("serve")
        configuration.restart.failuresMax = nil
        configuration.limits.cancelGrace = .milliseconds(200)
        try await withSupervisor(configuration) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            do {
                let replies = try supervisor.call("hang", payload: ByteBuffer(), deadline: soon(60))
                for try await _ in replies { break }
            }
            let state = try await supervisor.wait(deadline: soon()) { $0.phase == .ready && $0.starts == 2 }
            #expect(state.lastFailure?.hasPrefix("unresponsive") == true)
        }
    }

    @Test("A worker that ignores shutdown and signals is killed with its children after the grace period")
    func stubborn() async throws {
        let fifo = try HoldingFIFO()
        var configuration = TestPrograms.configuration("stubborn", fifo.path)
        configuration.stopGrace = .milliseconds(200)
        try await withSupervisor(configuration) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            try await fifo.wait(forEnd: false)
        }
        try await fifo.wait(forEnd: true)
    }

    @Test("Children of a worker that exits by itself do not outlive it")
    func orphans() async throws {
        let fifo = try HoldingFIFO()
        try await withSupervisor(TestPrograms.configuration("serve")) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            _ = try await supervisor.call("hold", payload: ByteBuffer(string: fifo.path), deadline: soon())
                .single()
            try await fifo.wait(forEnd: false)
        }
        try await fifo.wait(forEnd: true)
    }

    @Test("Cancelling the supervisor's task kills the worker and its children")
    func cancelRun() async throws {
        let fifo = try HoldingFIFO()
        let supervisor = try WorkerSupervisor(
            configuration: TestPrograms.configuration("stubborn", fifo.path), logger: silentLogger)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) { try await supervisor.run() }
            }
            await #expect(throws: Never.self) {
                try await supervisor.waitUntilReady(deadline: soon())
                try await fifo.wait(forEnd: false)
            }
            group.cancelAll()
        }
        try await fifo.wait(forEnd: true)
    }

    @Test("Two workers at once do not hold each other's wires")
    func two() async throws {
        try await withSupervisor(TestPrograms.configuration("serve")) { first in
            try await withSupervisor(TestPrograms.configuration("serve")) { second in
                try await first.waitUntilReady(deadline: soon())
                try await second.waitUntilReady(deadline: soon())
                for supervisor in [first, second] {
                    #expect(
                        try await supervisor.call("echo", payload: ByteBuffer(string: "x"), deadline: soon())
                            .single()
                            == ByteBuffer(string: "x"))
                }
                #if os(Linux)
                    for supervisor in [first, second] {
                        let pid = try #require(supervisor.state.processID)
                        let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")
                            .compactMap {
                                try? FileManager.default.destinationOfSymbolicLink(
                                    atPath: "/proc/\(pid)/fd/\($0)")
                            }
                        // The wire alone: no control socket, nobody else's wire.
                        #expect(Set(links.filter { $0.hasPrefix("socket:") }).count == 1)
                    }
                #endif
                second.stop()
                _ = try await second.wait(deadline: soon()) { $0.phase == .stopped }
            }
            // The second's end left the first alone.
            #expect(
                try await first.call("echo", payload: ByteBuffer(string: "x"), deadline: soon()).single()
                    == ByteBuffer(string: "x"))
        }
    }

    @Test("A guard that is killed takes no worker's life into its own hands: the parent does")
    func killedGuard() async throws {
        let fifo = try HoldingFIFO()
        try await withSupervisor(Self.restarting("stubborn", fifo.path)) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            try await fifo.wait(forEnd: false)
            let worker = try #require(supervisor.state.processID)
            let parent = try #require(Self.parent(of: worker))
            kill(parent, SIGKILL)
            let state = try await supervisor.wait(deadline: soon()) { $0.starts == 2 && $0.phase == .ready }
            #expect(state.lastFailure?.contains("guard died") == true)
            #expect(kill(worker, 0) != 0 || Self.parent(of: worker) != parent)
        }
        try await fifo.wait(forEnd: true)
    }

    private static func restarting(_ mode: String...) -> WorkerConfiguration {
        var configuration = TestPrograms.configuration()
        configuration.arguments = mode
        configuration.stopGrace = .milliseconds(200)
        configuration.restart.failuresMax = nil
        return configuration
    }

    /// The parent of process `pid`, from `ps`, which both platforms have.
    private static func parent(of pid: Int32) -> Int32? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/ps")
        process.arguments = ["-o", "ppid=", "-p", "\(pid)"]
        let output = Pipe()
        process.standardOutput = output
        guard (try? process.run()) != nil else { return nil }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Int32(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    @Test("No worker survives its node: SIGKILL of the node ends worker and grandchild")
    func killedNode() async throws {
        let fifo = try HoldingFIFO()
        let node = Process()
        node.executableURL = URL(fileURLWithPath: TestPrograms.worker)
        node.arguments = ["node", fifo.path]
        let output = Pipe()
        node.standardOutput = output
        try node.run()
        // The grandchild writes when it and the worker hold the FIFO.
        try await fifo.wait(forEnd: false)
        // Then the node names a child that inherited what is not close-on-exec, and that outlives it: a copy
        // of a socket in its hands would keep guard and worker alive.
        let named = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let child = try #require(Int32(named.trimmingCharacters(in: .whitespacesAndNewlines)))
        defer { kill(child, SIGKILL) }
        kill(node.processIdentifier, SIGKILL)
        try await fifo.wait(forEnd: true)
        #expect(kill(child, SIGKILL) == 0, "the child was to outlive the worker")
        // Foundation sees the node's end by a socket that the child had too.
        node.waitUntilExit()
        #expect(node.terminationReason == .uncaughtSignal)
    }
}
