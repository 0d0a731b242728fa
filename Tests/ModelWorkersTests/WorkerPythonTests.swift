internal import Foundation
internal import Logging
internal import NIOCore
internal import Testing

@testable import ModelWorkers

@Suite(
    "The Python worker speaks the same wire", .timeLimit(.minutes(2)),
    .enabled(if: TestPrograms.pythonInterpreter != nil, "needs python3"))
struct WorkerPythonTests {
    private func configuration() throws -> WorkerConfiguration {
        var configuration = TestPrograms.configuration()
        configuration.executable = try #require(TestPrograms.pythonInterpreter)
        configuration.arguments = ["\(TestPrograms.python)/echo_worker.py"]
        configuration.environment["PYTHONDONTWRITEBYTECODE"] = "1"
        return configuration
    }

    @Test("Echo, streams, errors and a megabyte")
    func calls() async throws {
        let log = LogRecorder()
        try await withSupervisor(self.configuration(), logger: log.logger) { supervisor in
            #expect(try await supervisor.waitUntilReady(deadline: soon()).name == "python-echo")
            let payload = ByteBuffer(repeating: 7, count: 1 << 20)
            #expect(try await supervisor.call("echo", payload: payload, deadline: soon()).single() == payload)
            var words: [String] = []
            let replies = try supervisor.call(
                "words", payload: ByteBuffer(string: "a bb ccc"), deadline: soon())
            for try await word in replies { words.append(String(buffer: word)) }
            #expect(words == ["a", "bb", "ccc"])
            var count = 0
            for try await _ in try supervisor.call(
                "count", payload: ByteBuffer(string: "500"), deadline: soon())
            {
                count += 1
            }
            #expect(count == 500)
            for (method, payload, code) in [("none", "", UInt32(12)), ("count", "x", 2)] {
                let replies = try supervisor.call(
                    method, payload: ByteBuffer(string: payload), deadline: soon())
                await #expect { try await replies.single() } throws: {
                    ($0 as? WorkerError)?.status?.code == code
                }
            }
        }
        #expect(log.text.contains("the echo worker starts"))
        // The number that was none: callers do not see what an exception says, the log does.
        #expect(log.text.contains("ValueError"))
        #expect(log.text.contains("the worker has stopped: exit code 0"))
    }

    @Test("Cancelling frees the worker: a consumer that leaves, one that stops reading, a deadline")
    func cancel() async throws {
        var configuration = try self.configuration()
        configuration.limits.cancelGrace = .seconds(20)
        configuration.limits.callsInFlightMax = 3
        try await withSupervisor(configuration) { supervisor in
            try await supervisor.waitUntilReady(deadline: soon())
            do {
                let left = try supervisor.call("count", payload: ByteBuffer(), deadline: soon(60))
                for try await item in left where String(buffer: item) == "100" { break }
                let unread = try supervisor.call("count", payload: ByteBuffer(), deadline: soon(60))
                var iterator = unread.makeAsyncIterator()
                _ = try await iterator.next()
                let late = try supervisor.call(
                    "wait", payload: ByteBuffer(), deadline: .now() + .milliseconds(100))
                await #expect { try await late.single() } throws: {
                    ($0 as? WorkerError)?.code == .deadlineExceeded
                }
            }
            // All three places come free again; the hung worker's bound would end it otherwise.
            let end = soon(20)
            var answered = 0
            while answered < 20, NIODeadline.now() < end {
                if let replies = try? supervisor.call("echo", payload: ByteBuffer(string: "x"), deadline: end)
                {
                    _ = try await replies.single()
                    answered += 1
                } else {
                    await Task.yield()
                }
            }
            #expect(answered == 20)
            #expect(supervisor.state.starts == 1)
        }
    }

    @Test("A text worker's messages have the bytes of their page, places come free, it ends with the node")
    func textWorker() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(TestPrograms.pythonInterpreter))
        process.arguments = ["-B", "\(TestPrograms.python)/text_worker_tests.py"]
        let report = Pipe()
        process.standardError = report
        try process.run()
        let text = String(decoding: report.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.contains("\nOK\n") && !text.contains("Ran 0 tests"), "\(text)")
    }
}
