internal import ModelWorkers

/// What `GET /healthz` answers.
package struct HealthStatus: Sendable, Hashable {
    /// Whether the node can serve; 200 when it can, else 503.
    package var isHealthy: Bool
    /// One line for people.
    package var message: String

    /// Creates a status.
    package init(isHealthy: Bool, message: String) {
        self.isHealthy = isHealthy
        self.message = message
    }

    /// What the state of its worker says of a node; a node without a worker serves.
    init(worker state: WorkerState?) {
        guard let state, state.phase != .ready else {
            self = .healthy
            return
        }
        var message = "the worker is not ready: \(state)"
        if let failure = state.lastFailure { message += ", \(failure)" }
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        self.init(isHealthy: false, message: line)
    }

    /// The node serves.
    package static let healthy = HealthStatus(isHealthy: true, message: "ok")
}
