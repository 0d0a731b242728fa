package import Logging
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// The arithmetic of a proof in a worker process, `Workers/python/proof_of_gpu_worker.py`, one for each GPU.
///
/// ``run()`` is the worker's life and must be a child task of whoever owns the engine: starting Python and
/// CUDA takes longer than a round, so the worker waits for challenges, not challenges for the worker.
/// Requests go one at a time; every reply has the one length that its request implies. A worker that exceeds
/// its time, or says anything else, is killed with its process group, and requests fail until `run()` is
/// called again.
package final class WorkerProofEngine: ProofOfGPUEngine {
    /// How the worker is started.
    package struct Configuration: Sendable, Hashable {
        /// Program and arguments.
        package var command: [String]
        /// The device that it may see, `CUDA_VISIBLE_DEVICES`: `GPU-…`.
        package var visibleDevices: String?
        /// From the start until it is ready.
        package var startTimeMax: Duration = .seconds(120)
        /// For one request.
        package var requestTimeMax: Duration = .seconds(300)

        /// A worker that is started with this command.
        package init(command: [String], visibleDevices: String? = nil) {
            self.command = command
            self.visibleDevices = visibleDevices
        }
    }

    private struct Request: Sendable {
        var id: UInt64
        var bytes: [UInt8]
        var replyBytes: Int
    }

    private struct State {
        var isReady = false
        var lastID: UInt64 = 0
        var waiting: (id: UInt64, continuation: CheckedContinuation<[UInt8], any Error>)?
        var requests: AsyncStream<Request>.Continuation?
        var overdue: AsyncStream<Void>.Continuation?
        var device: String?
    }

    private static let textBytesMax = 4096

    private let configuration: Configuration
    private let logger: Logger
    private let state = Mutex(State())

    /// An engine whose worker is not started yet.
    package init(configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// What the worker computes on; nil before it is ready and after its end.
    package var device: String? { self.state.withLock { $0.isReady ? $0.device : nil } }

    package func leaves(_ challenge: ProofChallenge) async throws -> [[UInt8]] {
        let bytes = try await self.request(1, challenge, rows: [], replyBytes: 32 * challenge.parameters.size)
        return stride(from: 0, to: bytes.count, by: 32).map { Array(bytes[$0..<($0 + 32)]) }
    }

    package func sums(_ challenge: ProofChallenge, rows: [Int]) async throws -> [[[Int32]]] {
        let size = challenge.parameters.size
        let layers = challenge.parameters.layers
        let bytes = try await self.request(
            2, challenge, rows: rows, replyBytes: rows.count * layers * size * 4)
        return rows.indices.map { row in
            (0..<layers).map { layer in
                ProofOpening.words(bytes, at: (row * layers + layer) * size * 4, count: size)
            }
        }
    }

    /// Runs the worker until it dies or the task is cancelled.
    ///
    /// - Throws: `engine` when it cannot be started, breaks the protocol, or takes too long;
    ///   `CancellationError` never: cancelling kills the worker and returns.
    package func run() async throws(ProofOfGPUError) {
        let (requests, requestContinuation) = AsyncStream<Request>.makeStream(
            bufferingPolicy: .bufferingOldest(1))
        let (overdue, overdueContinuation) = AsyncStream<Void>.makeStream(
            bufferingPolicy: .bufferingOldest(1))
        self.state.withLock {
            $0.requests = requestContinuation
            $0.overdue = overdueContinuation
        }
        var failure: (any Error)?
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.live(requests) }
                group.addTask {
                    for await _ in overdue { throw ProofOfGPUError(.engine, "the worker took too long") }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            failure = error
        }
        let waiting = self.state.withLock { state in
            defer { state = State(lastID: state.lastID) }
            return state.waiting
        }
        waiting?.continuation.resume(throwing: ProofOfGPUError(.engine, "the worker ended"))
        guard let failure, !Task.isCancelled else { return }
        throw failure as? ProofOfGPUError ?? ProofOfGPUError(.engine, "the worker failed: \(failure)")
    }
}

// MARK: Requests

extension WorkerProofEngine {
    private func request(
        _ operation: UInt8, _ challenge: ProofChallenge, rows: [Int], replyBytes: Int
    ) async throws -> [UInt8] {
        let bytes =
            [operation] + challenge.bytes + ProofMessage.encode(rows.count)
            + rows.flatMap { ProofMessage.encode($0) }
        let id = self.state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let request = Request(id: id, bytes: bytes, replyBytes: replyBytes)
        let time = self.configuration.requestTimeMax
        return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { try await self.reply(to: request) }
            group.addTask {
                try await Task.sleep(for: time)
                return nil
            }
            defer { group.cancelAll() }
            if let reply = try await group.next() ?? nil { return reply }
            self.state.withLock { $0.overdue }?.yield()
            throw ProofOfGPUError(.engine, "the worker did not answer within \(time)")
        }
    }

    private func reply(to request: Request) async throws -> [UInt8] {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (refusal, stream) = self.state.withLock {
                    state -> (String?, AsyncStream<Request>.Continuation?) in
                    guard state.isReady, let stream = state.requests else {
                        return ("the worker is not ready", nil)
                    }
                    guard state.waiting == nil else { return ("the worker is busy", nil) }
                    state.waiting = (request.id, continuation)
                    return (nil, stream)
                }
                if let refusal { return continuation.resume(throwing: ProofOfGPUError(.engine, refusal)) }
                if case .enqueued? = stream?.yield(request) { return }
                self.answer(request.id, .failure(ProofOfGPUError(.engine, "the worker is busy")))
            }
        } onCancel: {
            // The worker goes on with it; its reply will find nobody.
            self.answer(request.id, .failure(CancellationError()))
        }
    }

    private func answer(_ id: UInt64, _ result: Result<[UInt8], any Error>) {
        let waiting = self.state.withLock { state in
            let waiting = state.waiting?.id == id ? state.waiting : nil
            if waiting != nil { state.waiting = nil }
            return waiting
        }
        waiting?.continuation.resume(with: result)
    }
}

// MARK: The worker's life

extension WorkerProofEngine {
    private func live(_ requests: AsyncStream<Request>) async throws {
        guard let program = self.configuration.command.first else {
            throw ProofOfGPUError(.engine, "no command for the worker")
        }
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))
        ]
        var environment = ChildProcess.environment
        if let devices = self.configuration.visibleDevices {
            environment = environment.updating(["CUDA_VISIBLE_DEVICES": devices])
        }
        let result = try await Subprocess.run(
            program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(Array(self.configuration.command.dropFirst())), environment: environment,
            platformOptions: options, input: .inputWriter, output: .sequence, error: .discarded
        ) { execution in
            var replies = Replies(iterator: execution.standardOutput.makeAsyncIterator())
            let device = try await self.withinStartTime {
                try await replies.next(bytesMax: Self.textBytesMax)
            }
            let name = HashcatOutput.complaint(device, charactersMax: 200)
            self.logger.info("the proof worker is ready", metadata: ["device": "\(name)"])
            self.state.withLock {
                $0.device = name
                $0.isReady = true
            }
            for await request in requests {
                _ = try await execution.standardInputWriter.write(request.bytes)
                do {
                    let reply = try await replies.next(bytesMax: max(request.replyBytes, Self.textBytesMax))
                    guard reply.count == request.replyBytes else {
                        throw ProofOfGPUError(.engine, "the worker replied with \(reply.count) bytes")
                    }
                    self.answer(request.id, .success(reply))
                } catch let error as Replies.Failed {
                    let text = HashcatOutput.complaint(error.text, charactersMax: 400)
                    self.answer(request.id, .failure(ProofOfGPUError(.engine, text)))
                }
            }
        }
        guard !Task.isCancelled else { return }
        throw ProofOfGPUError(.engine, "the worker ended: \(result.terminationStatus)")
    }

    /// Ends the worker through the same door as a request that takes too long.
    private func withinStartTime(_ start: () async throws -> [UInt8]) async throws -> [UInt8] {
        let overdue = self.state.withLock { $0.overdue }
        let time = self.configuration.startTimeMax
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await Task.sleep(for: time)
                overdue?.yield()
            }
            defer { group.cancelAll() }
            do {
                return try await start()
            } catch let error as Replies.Failed {
                throw ProofOfGPUError(.engine, HashcatOutput.complaint(error.text, charactersMax: 400))
            }
        }
    }
}

/// The replies of a worker, taken from its standard output.
private struct Replies {
    /// The worker says that it failed, and why.
    struct Failed: Error { var text: [UInt8] }

    var iterator: SubprocessOutputSequence.Iterator
    private var pending: [UInt8] = []

    init(iterator: SubprocessOutputSequence.Iterator) { self.iterator = iterator }

    /// The next reply's payload.
    mutating func next(bytesMax: Int) async throws -> [UInt8] {
        let header = try await self.take(9)
        var count: UInt64 = 0
        for index in 0..<8 { count |= UInt64(header[1 + index]) << UInt64(8 * index) }
        guard header[0] <= 1, count <= UInt64(bytesMax) else {
            throw ProofOfGPUError(.engine, "the worker wrote what is no reply")
        }
        let payload = try await self.take(Int(count))
        if header[0] == 1 { throw Failed(text: payload) }
        return payload
    }

    private mutating func take(_ count: Int) async throws -> [UInt8] {
        while self.pending.count < count {
            guard let buffer = try await self.iterator.next() else {
                throw ProofOfGPUError(.engine, "the worker ended its output")
            }
            buffer.withUnsafeBytes { self.pending.append(contentsOf: $0) }
        }
        defer { self.pending.removeFirst(count) }
        return Array(self.pending.prefix(count))
    }
}
