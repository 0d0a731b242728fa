internal import ContainerEngine

/// Where the engine is got from when it is needed: it may start after the miner, and restart under it.
actor EngineSource {
    private let socket: EngineSocket?
    private let environment: [String: String]
    private let limits: ContainerEngineLimits
    private var engine: ContainerEngine?

    /// The engine at a socket, or the first one that is found where engines are.
    init(socket: EngineSocket?, environment: [String: String], limits: ContainerEngineLimits = .init()) {
        self.socket = socket
        self.environment = environment
        self.limits = limits
    }

    /// The engine; it answered at least once.
    ///
    /// - Throws: `engine` when none answers.
    func connected() async throws(ComputeError) -> ContainerEngine {
        if let engine { return engine }
        do throws(ContainerEngineError) {
            let fresh =
                if let socket { try await ContainerEngine.connect(socket, limits: limits) } else {
                    try await EngineSocket.discover(environment: environment, limits: limits)
                }
            // Another caller may have been quicker.
            if let engine {
                await fresh.close()
                return engine
            }
            engine = fresh
            return fresh
        } catch {
            throw ComputeError(.engine, error.message, cause: error)
        }
    }

    /// Whether it answers now, and what it is.
    func answering() async -> EngineDescription? {
        guard let engine = try? await connected() else { return nil }
        do {
            try await engine.ping()
            return engine.description
        } catch {
            return nil
        }
    }

    /// Ends its connections.
    func close() async {
        await engine?.close()
        engine = nil
    }
}
