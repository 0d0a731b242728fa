public import CoreMetrics

extension PrometheusRegistry: MetricsFactory {
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool)
        -> any RecorderHandler
    {
        guard aggregate else { return gauge(label, dimensions) ?? NOOPMetricsHandler.instance }
        let style = configuration.styles[label] ?? configuration.recorderStyle
        switch distribution(label, suffix: "", style: style, dimensions) {
        case .histogram(let series): return series
        case .summary(let series): return series
        default: return NOOPMetricsHandler.instance
        }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let style = configuration.styles[label] ?? configuration.timerStyle
        switch distribution(label, suffix: "_seconds", style: style, dimensions) {
        case .histogram(let series): return series
        case .summary(let series): return series
        default: return NOOPMetricsHandler.instance
        }
    }

    public func destroyCounter(_ handler: any CounterHandler) {
        if let series = handler as? CounterSeries { remove(series, at: series.key) }
    }

    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        if let series = handler as? CounterSeries { remove(series, at: series.key) }
    }

    public func destroyMeter(_ handler: any MeterHandler) {
        if let series = handler as? GaugeSeries { remove(series, at: series.key) }
    }

    public func destroyRecorder(_ handler: any RecorderHandler) {
        switch handler {
        case let series as GaugeSeries: remove(series, at: series.key)
        case let series as HistogramSeries: remove(series, at: series.key)
        case let series as SummarySeries: remove(series, at: series.key)
        default: break
        }
    }

    public func destroyTimer(_ handler: any TimerHandler) {
        switch handler {
        case let series as HistogramSeries: remove(series, at: series.key)
        case let series as SummarySeries: remove(series, at: series.key)
        default: break
        }
    }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterSeries? {
        let series = series(label: label, suffix: "_total", kind: .counter, dimensions: dimensions) {
            .counter(CounterSeries(key: $0))
        }
        if case .counter(let series) = series { return series }
        return nil
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries? {
        let series = series(label: label, suffix: "", kind: .gauge, dimensions: dimensions) {
            .gauge(GaugeSeries(key: $0))
        }
        if case .gauge(let series) = series { return series }
        return nil
    }

    private func distribution(
        _ label: String, suffix: String, style: DistributionStyle, _ dimensions: [(String, String)]
    ) -> MetricFamily.Series? {
        switch style.form {
        case .histogram(let bounds):
            let bounds = Array(bounds.prefix(limits.bucketsMax))
            return series(label: label, suffix: suffix, kind: .histogram, dimensions: dimensions) {
                .histogram(HistogramSeries(key: $0, upperBounds: bounds))
            }
        case .summary(let quantiles):
            let observationsMax = limits.summaryObservationsMax
            return series(label: label, suffix: suffix, kind: .summary, dimensions: dimensions) {
                .summary(SummarySeries(key: $0, quantiles: quantiles, observationsMax: observationsMax))
            }
        }
    }
}
