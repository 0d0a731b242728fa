public import SubnetRPC

/// Streaming text generation.
public enum Inference: RPCService {
    public static let name = "Inference"
    /// What model the peer serves.
    public static let info = unary("info", InferenceInfoRequest.self, InferenceInfoResponse.self)
    /// Generates tokens and sends each as soon as it is known. With tokens of the answer in the request it
    /// continues behind them, so that an answer which one peer began can be ended by another.
    public static let generate = serverStreaming(
        "generate", InferenceGenerateRequest.self, InferenceGenerateResponse.self)
    public static let methods = [info.erased, generate.erased]
}

/// What generates the tokens of an ``Inference`` service: a model worker, or a model in this process.
public protocol TextGenerator: Sendable {
    /// Describes the model.
    func info() async throws -> InferenceInfoResponse

    /// Generates the answer.
    ///
    /// - Parameters:
    ///   - request: what is asked, within ``InferenceLimits``.
    ///   - deadline: time that is left.
    ///   - emit: takes one token and suspends while the caller is behind; throws when nobody wants more.
    /// - Throws: `RPCError`, sent to the caller as it is.
    func generate(
        _ request: InferenceGenerateRequest, deadline: Duration,
        emit: @Sendable (InferenceGenerateResponse) async throws -> Void
    ) async throws
}

/// The bounds of the ``Inference`` service.
public struct InferenceLimits: Sendable, Hashable {
    /// UTF-8 bytes of a prompt.
    public var promptBytesMax = 64 * 1024
    /// Tokens of one answer.
    public var newTokensMax = 4096

    /// The defaults.
    public init() {}
}

extension Router {
    /// Serves ``Inference`` by `generator`.
    public func registerInference(
        _ generator: any TextGenerator, limits: InferenceLimits = InferenceLimits(),
        authorizer: (any Authorizer)? = nil
    ) throws {
        try self.register(Inference.self, authorizer: authorizer) {
            $0.handle(Inference.info) { _, _ in try await generator.info() }
            $0.handle(Inference.generate) { request, context, responses in
                try limits.check(request)
                try await generator.generate(request, deadline: context.remainingTime) { token in
                    try await responses.write(token)
                }
            }
        }
    }
}

extension InferenceLimits {
    /// - Throws: ``RPCError`` `.invalidArgument` that names the field.
    func check(_ request: InferenceGenerateRequest) throws(RPCError) {
        if request.prompt.utf8.count > self.promptBytesMax {
            throw RPCError(.invalidArgument, "prompt is longer than \(self.promptBytesMax) bytes")
        }
        if request.maxNewTokens == 0 || request.maxNewTokens > UInt32(clamping: self.newTokensMax) {
            throw RPCError(.invalidArgument, "max_new_tokens must be between 1 and \(self.newTokensMax)")
        }
        if request.generatedTokens.count >= Int(request.maxNewTokens) {
            throw RPCError(.invalidArgument, "generated_tokens already holds the whole answer")
        }
        if !(request.temperature.isFinite && request.temperature >= 0) {
            throw RPCError(.invalidArgument, "temperature must be a number that is not negative")
        }
        if !(request.topP.isFinite && request.topP >= 0 && request.topP <= 1) {
            throw RPCError(.invalidArgument, "top_p must be between 0 and 1")
        }
    }
}
