/// The bounds of one ``PrometheusRegistry``.
///
/// Labels are often filled with what a peer sent. Without bounds each new value would be a new time series
/// that is never forgotten, here and in the Prometheus server. A series beyond a bound gets a handler that
/// forgets what it is told, and ``PrometheusRegistry/seriesRejected`` counts it.
public struct PrometheusLimits: Sendable, Hashable {
    /// Most series of all metrics together. Default 4096.
    public var seriesMax: Int
    /// Most series (label combinations) of one metric. Default 256.
    public var seriesPerMetricMax: Int
    /// Most labels of one series; further ones are dropped. Default 10.
    public var labelsMax: Int
    /// Most UTF-8 bytes of one label value; a longer value is cut at a character boundary. Default 128.
    public var labelValueBytesMax: Int
    /// Most UTF-8 bytes of a metric name or label name; a longer one is cut. Default 200.
    public var nameBytesMax: Int
    /// Most buckets of one histogram, not counting `+Inf`. Default 64.
    public var bucketsMax: Int
    /// How many of the latest observations a summary keeps for its quantiles, 8 bytes each. Default 512.
    public var summaryObservationsMax: Int

    /// Creates limits; every argument has the default documented at its property.
    public init(
        seriesMax: Int = 4096,
        seriesPerMetricMax: Int = 256,
        labelsMax: Int = 10,
        labelValueBytesMax: Int = 128,
        nameBytesMax: Int = 200,
        bucketsMax: Int = 64,
        summaryObservationsMax: Int = 512
    ) {
        self.seriesMax = max(0, seriesMax)
        self.seriesPerMetricMax = max(0, seriesPerMetricMax)
        self.labelsMax = max(0, labelsMax)
        self.labelValueBytesMax = max(0, labelValueBytesMax)
        self.nameBytesMax = max(1, nameBytesMax)
        self.bucketsMax = max(1, bucketsMax)
        self.summaryObservationsMax = max(1, summaryObservationsMax)
    }
}
