internal import Metrics
package import PrometheusMetrics

/// Sets up metrics for a process.
package enum MetricsSetup {
    /// Makes the registry for a configuration; ``bootstrap(_:)`` installs it.
    package static func registry(_ configuration: MetricsConfiguration) -> PrometheusRegistry {
        PrometheusRegistry(limits: PrometheusLimits(seriesMax: configuration.seriesMax))
    }

    /// Makes `registry` the backend of swift-metrics for the whole process. A program calls it once, before
    /// the first metric; a library never does, since a second call ends the process.
    package static func bootstrap(_ registry: PrometheusRegistry) {
        MetricsSystem.bootstrap(registry)
    }
}
