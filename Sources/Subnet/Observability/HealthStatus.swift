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

    /// The node serves.
    package static let healthy = HealthStatus(isHealthy: true, message: "ok")
}
