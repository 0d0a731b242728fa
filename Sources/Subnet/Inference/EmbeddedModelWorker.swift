internal import EmbeddedModel
internal import ModelWorkers
internal import NIOCore
internal import SubnetServices
internal import SwiftProtobuf

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The worker program of the embedded model: the child that owns the model while the node owns the network.
public enum EmbeddedModelWorker {
    /// Serves calls on standard input and output until the node asks it to stop or is gone.
    ///
    /// - Parameters:
    ///   - directory: a model to load instead of the embedded one.
    ///   - callsMax: generations that run at the same time; they share the threads of the default pool, token
    ///     by token. The node tells it what `worker.calls-max` says.
    ///   - tokensPerSecond: sends no faster than this; a demonstration for people needs a readable pace. nil
    ///     does not wait.
    /// - Throws: when the model cannot be loaded.
    public static func run(
        directory: String? = nil, callsMax: Int = NodeConfiguration().worker.callsMax,
        tokensPerSecond: Double? = nil
    ) async throws {
        let info = WorkerInfo(
            name: directory ?? EmbeddedModel.name, info: ["kind": "text"], callsMax: callsMax)
        var limits = WorkerLimits()
        limits.callsInFlightMax = max(limits.callsInFlightMax, callsMax)
        let pause = tokensPerSecond.map { Duration.seconds(1 / max($0, 0.001)) }
        try await WorkerMain.run(info, limits: limits) {
            let model = try directory.map { try TextModel(directory: $0) } ?? EmbeddedModel.load()
            let description = InferenceInfoResponse.with {
                $0.model = directory ?? EmbeddedModel.name
                $0.fingerprint = model.fingerprint
                $0.contextTokens = UInt32(clamping: model.contextTokens)
                $0.concurrentCalls = UInt32(clamping: callsMax)
            }
            return [
                WorkerTextGenerator.MethodName.info: { _, call in
                    let bytes: [UInt8] = try description.serializedBytes()
                    try await call.send(ByteBuffer(bytes: bytes))
                },
                WorkerTextGenerator.MethodName.generate: { payload, call in
                    try await self.generate(payload, model: model, pause: pause, call: call)
                },
            ]
        }
    }

    private static func generate(_ payload: ByteBuffer, model: TextModel, pause: Duration?, call: WorkerCall)
        async throws
    {
        var generation: Generation
        do {
            let request = try InferenceGenerateRequest(serializedBytes: Array(buffer: payload))
            generation = try Generation(
                model: model, prompt: request.prompt, options: GenerationOptions(request))
        } catch let error as ModelError {
            throw WorkerStatus.invalidArgument(error.message)
        } catch {
            throw WorkerStatus.invalidArgument("the request cannot be read")
        }
        while !call.isCancelled, let token = try generation.next() {
            let response = InferenceGenerateResponse.with {
                $0.index = UInt32(clamping: token.index)
                $0.token = UInt32(clamping: token.id)
                $0.text = Data(token.bytes)
                $0.finishReason = token.finishReason.map { $0 == .end ? "stop" : "length" } ?? ""
            }
            let bytes: [UInt8] = try response.serializedBytes()
            try await call.send(ByteBuffer(bytes: bytes))
            if let pause {
                try await Task.sleep(for: pause)
            } else {
                // A long answer shares its thread with the others.
                await Task.yield()
            }
        }
    }
}

extension GenerationOptions {
    init(_ request: InferenceGenerateRequest) {
        self.init(
            maxNewTokens: Int(request.maxNewTokens), temperature: Double(request.temperature),
            topK: Int(request.topK),
            topP: request.topP == 0 ? 1 : Double(request.topP), seed: request.seed,
            continuing: request.generatedTokens.map(Int.init))
    }
}
