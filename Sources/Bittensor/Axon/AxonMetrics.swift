internal import Metrics

/// The counters of an axon: `ni_requests_total{route,outcome}` and `ni_request_seconds{route}`. Labels come
/// from a closed set, so a caller cannot make series.
struct AxonMetrics: Sendable {
    private enum Outcome: String, CaseIterable { case ok, blacklisted, unverified, unknown, error }

    private struct Series: Sendable {
        var counters: [Outcome: Counter]
        var timer: Timer

        init(_ route: String) {
            self.counters = Dictionary(
                uniqueKeysWithValues: Outcome.allCases.map {
                    (
                        $0,
                        Counter(
                            label: "ni_requests", dimensions: [("route", route), ("outcome", $0.rawValue)])
                    )
                })
            self.timer = Timer(label: "ni_request", dimensions: [("route", route)])
        }
    }

    private let series: [String: Series]
    private let others: Series

    init(routes: [String]) {
        self.series = Dictionary(uniqueKeysWithValues: routes.map { ($0, Series($0)) })
        self.others = Series("unknown")
    }

    /// Counts a reply. A route that is not attached counts as `unknown`.
    func counted(route: String?, status: Int, after: Duration) {
        let series = route.flatMap { self.series[$0] } ?? self.others
        let outcome: Outcome =
            switch status {
            case ..<400: .ok
            case 401: .unverified
            case 403: .blacklisted
            case 404: .unknown
            default: .error
            }
        series.counters[outcome]?.increment()
        series.timer.recordNanoseconds(Int64(after / .nanoseconds(1)))
    }
}
