internal import EmbeddedModel
public import ModelWorkers
internal import NIOCore
internal import SubnetRPC
public import SubnetServices
internal import SwiftProtobuf
internal import Synchronization

/// Generates text in a worker process: payloads are the messages of the Inference service.
///
/// What a worker says of its model is kept while its process lives: who asks again takes no place of a call,
/// and hears of the model while all places are taken.
public struct WorkerTextGenerator: TextGenerator {
    /// What the methods of a text worker are called.
    public enum MethodName {
        /// One `InferenceInfoRequest`, one `InferenceInfoResponse`.
        public static let info = "info"
        /// One `InferenceGenerateRequest`, an `InferenceGenerateResponse` for each token.
        public static let generate = "generate"
    }

    /// What the worker of one start said of its model.
    private final class KnownInfo: Sendable {
        struct Answer: Sendable {
            /// Which start of the supervisor's worker it was.
            var start: Int
            var info: InferenceInfoResponse
        }

        let answer = Mutex<Answer?>(nil)
    }

    private static let infoDeadline = TimeAmount.seconds(10)
    private let supervisor: WorkerSupervisor
    private let known = KnownInfo()

    /// A generator on the worker that `supervisor` runs.
    public init(_ supervisor: WorkerSupervisor) { self.supervisor = supervisor }

    public func info() async throws -> InferenceInfoResponse {
        let state = self.supervisor.state
        let known = self.known.answer.withLock { $0 }
        if let known, known.start == state.starts, state.phase == .ready { return known.info }
        do {
            let replies = try self.supervisor.call(
                MethodName.info, payload: ByteBuffer(), deadline: .now() + Self.infoDeadline)
            let info = try InferenceInfoResponse(
                serializedBytes: Array(buffer: try await replies.single()))
            // The next process may own another model.
            if self.supervisor.state.starts == state.starts {
                self.known.answer.withLock { $0 = KnownInfo.Answer(start: state.starts, info: info) }
            }
            return info
        } catch let error as WorkerError {
            throw RPCError(worker: error)
        }
    }

    public func generate(
        _ request: InferenceGenerateRequest, deadline: Duration,
        emit: @Sendable (InferenceGenerateResponse) async throws -> Void
    ) async throws {
        do {
            let bytes: [UInt8] = try request.serializedBytes()
            let replies = try self.supervisor.call(
                MethodName.generate, payload: ByteBuffer(bytes: bytes),
                deadline: .now() + TimeAmount(deadline))
            for try await reply in replies {
                try await emit(InferenceGenerateResponse(serializedBytes: Array(buffer: reply)))
            }
        } catch let error as WorkerError {
            throw RPCError(worker: error)
        }
    }
}

extension RPCError {
    /// What the failure of a worker means for the call that needed it.
    init(worker error: WorkerError) {
        let retryAfter = error.retryAfter.map { Duration.nanoseconds($0.nanoseconds) }
        switch error.code {
        case .busy:
            self.init(
                code: .resourceExhausted, message: "the model is busy", retryAfter: retryAfter, cause: error)
        case .deadlineExceeded: self.init(.deadlineExceeded, "the model did not answer in time", cause: error)
        case .cancelled: self.init(.cancelled, "the call was cancelled", cause: error)
        case .payloadTooLarge:
            self.init(.invalidArgument, "the request is too large for the model", cause: error)
        case .callFailed:
            let status = error.status ?? .internalError("the model failed")
            self.init(status.code == 3 ? .invalidArgument : .internal, status.message, cause: error)
        default:
            self.init(
                code: .unavailable, message: "the model's process is not available", retryAfter: retryAfter,
                cause: error)
        }
    }
}
