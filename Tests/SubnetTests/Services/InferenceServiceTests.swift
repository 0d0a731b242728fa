import SubnetRPC
import SubnetServices
import SubnetTesting
import SwiftProtobuf
import Synchronization
import Testing

/// Answers with one token, and notes what it was asked.
private final class NotingGenerator: TextGenerator {
    private let asked = Mutex<[InferenceGenerateRequest]>([])
    var requests: [InferenceGenerateRequest] { asked.withLock { $0 } }

    func info() async throws -> InferenceInfoResponse { InferenceInfoResponse() }

    func generate(
        _ request: InferenceGenerateRequest, deadline: Duration,
        emit: @Sendable (InferenceGenerateResponse) async throws -> Void
    ) async throws {
        asked.withLock { $0.append(request) }
        try await emit(.with { $0.finishReason = "stop" })
    }
}

@Suite("Bounds of the Inference service", .timeLimit(.minutes(1)))
struct InferenceServiceTests {
    /// What makes another request of one in the middle of the bounds.
    struct Change: Sendable, CustomTestStringConvertible {
        let field: String
        let what: String
        let apply: @Sendable (inout InferenceGenerateRequest) -> Void

        init(
            _ field: String, _ what: String,
            _ apply: @escaping @Sendable (inout InferenceGenerateRequest) -> Void
        ) {
            self.field = field
            self.what = what
            self.apply = apply
        }

        var testDescription: String { "\(field): \(what)" }

        var request: InferenceGenerateRequest {
            .with {
                $0.prompt = "Tell"
                $0.maxNewTokens = 2
                $0.temperature = 0.5
                $0.topP = 0.5
                apply(&$0)
            }
        }
    }

    /// 8 bytes of prompt and 4 tokens.
    static let limits: InferenceLimits = {
        var limits = InferenceLimits()
        limits.promptBytesMax = 8
        limits.newTokensMax = 4
        return limits
    }()

    static let within = [
        Change("prompt", "empty") { $0.prompt = "" },
        Change("prompt", "one byte below the bound") { $0.prompt = "1234567" },
        Change("prompt", "the bound, in half as many characters") {
            $0.prompt = String(repeating: "\u{e9}", count: 4)
        },
        Change("max_new_tokens", "one") { $0.maxNewTokens = 1 },
        Change("max_new_tokens", "one below the bound") { $0.maxNewTokens = 3 },
        Change("max_new_tokens", "the bound") { $0.maxNewTokens = 4 },
        Change("generated_tokens", "all but one") { $0.generatedTokens = [7] },
        Change("temperature", "zero") { $0.temperature = 0 },
        Change("temperature", "the largest") { $0.temperature = Float.greatestFiniteMagnitude },
        Change("top_p", "zero") { $0.topP = 0 },
        Change("top_p", "just below one") { $0.topP = Float(1).nextDown },
        Change("top_p", "one") { $0.topP = 1 },
    ]

    static let beyond = [
        Change("prompt", "one byte above the bound") {
            $0.prompt = String(repeating: "\u{e9}", count: 4) + "."
        },
        Change("max_new_tokens", "none") { $0.maxNewTokens = 0 },
        Change("max_new_tokens", "one above the bound") { $0.maxNewTokens = 5 },
        Change("max_new_tokens", "the largest number") { $0.maxNewTokens = UInt32.max },
        Change("generated_tokens", "all of them") { $0.generatedTokens = [7, 8] },
        Change("generated_tokens", "one more") { $0.generatedTokens = [7, 8, 9] },
        Change("temperature", "just below zero") { $0.temperature = -Float.leastNonzeroMagnitude },
        Change("temperature", "infinite") { $0.temperature = Float.infinity },
        Change("temperature", "no number") { $0.temperature = Float.nan },
        Change("top_p", "just below zero") { $0.topP = -Float.leastNonzeroMagnitude },
        Change("top_p", "just above one") { $0.topP = Float(1).nextUp },
        Change("top_p", "infinite") { $0.topP = Float.infinity },
        Change("top_p", "no number") { $0.topP = Float.nan },
    ]

    private let generator = NotingGenerator()

    /// Calls a hoster with these bounds.
    /// - Returns: how many tokens came.
    private func ask(
        _ request: InferenceGenerateRequest, _ limits: InferenceLimits = Self.limits
    ) async throws -> Int {
        let (network, scheduler) = (InProcessNetwork(), ManualScheduler())
        let router = Router(scheduler: scheduler)
        try router.registerInference(generator, limits: limits)
        network.attach(router, as: .local("hoster"))
        let client = Client(wire: network.wire(as: .local("caller")), scheduler: scheduler)
        var tokens = 0
        for try await _ in try await client.call(Inference.generate, request, to: .local("hoster")) {
            tokens += 1
        }
        return tokens
    }

    @Test(arguments: Self.within)
    func `a request within the bounds reaches the model`(change: Change) async throws {
        let tokens = try await ask(change.request)
        #expect(tokens == 1)
        #expect(generator.requests == [change.request])
    }

    @Test(arguments: Self.beyond)
    func `a request beyond one of them is refused by its name and the model does not see it`(change: Change)
        async throws
    {
        let refusal = await #expect(throws: RPCError.self) { _ = try await ask(change.request) }
        #expect(refusal?.code == .invalidArgument)
        #expect(refusal?.message.contains(change.field) == true)
        #expect(generator.requests.isEmpty)
    }

    @Test func `where nothing is set the defaults hold`() async throws {
        let defaults = InferenceLimits()
        let most = InferenceGenerateRequest.with {
            $0.prompt = String(repeating: "a", count: defaults.promptBytesMax)
            $0.maxNewTokens = UInt32(defaults.newTokensMax)
        }
        let tokens = try await ask(most, defaults)
        #expect(tokens == 1)
        var (longer, further) = (most, most)
        longer.prompt += "a"
        further.maxNewTokens += 1
        for request in [longer, further] {
            let refusal = await #expect(throws: RPCError.self) { _ = try await ask(request, defaults) }
            #expect(refusal?.code == .invalidArgument)
        }
        #expect(generator.requests == [most])
    }
}
