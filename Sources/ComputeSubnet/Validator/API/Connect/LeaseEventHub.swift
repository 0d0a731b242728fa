internal import BittensorCore
internal import Synchronization

/// Who hears of leases as it happens: the WebSockets of `/connect`, within their bounds.
package final class LeaseEventHub: Sendable {
    private struct State {
        var subscriptions: [Int: ConnectSubscription] = [:]
        var nextNumber = 0
        var isClosed = false
    }

    private let limits: APIConfiguration.Limits
    private let state = Mutex(State())

    /// A hub without anybody.
    package init(limits: APIConfiguration.Limits = APIConfiguration.Limits()) {
        self.limits = limits
    }

    /// Gives a place, which its number gives back.
    ///
    /// - Returns: `nil` when there is none for this caller, and once the hub is closed.
    func subscribe(
        caller: String, seesSecrets: Bool, cut: @escaping @Sendable () -> Void
    ) -> (number: Int, subscription: ConnectSubscription)? {
        self.state.withLock { state in
            guard !state.isClosed, self.hasPlace(state, caller) else { return nil }
            let subscription = ConnectSubscription(
                caller: caller, seesSecrets: seesSecrets, limits: self.limits, cut: cut)
            state.nextNumber += 1
            state.subscriptions[state.nextNumber] = subscription
            return (state.nextNumber, subscription)
        }
    }

    /// Gives a place back.
    func release(_ number: Int) { self.state.withLock { $0.subscriptions[number] = nil } }

    /// Whether a caller would be given a place.
    func hasPlace(for caller: String) -> Bool {
        self.state.withLock { !$0.isClosed && self.hasPlace($0, caller) }
    }

    /// How many places are taken.
    var count: Int { self.state.withLock { $0.subscriptions.count } }

    /// Tells everybody; never waits for anybody.
    ///
    /// - Parameters:
    ///   - payload: what is told; the member `uuid`, which opens the lease, only to administrators.
    func publish(_ payload: JSONObject) {
        let subscriptions = self.state.withLock { Array($0.subscriptions.values) }
        guard !subscriptions.isEmpty else { return }
        var open = payload
        open["uuid"] = nil
        let secret = Self.text("lease", payload)
        let plain = Self.text("lease", open)
        for subscription in subscriptions {
            subscription.published(subscription.seesSecrets ? secret : plain)
        }
    }

    /// Ends all, and gives no more places.
    func close() {
        let subscriptions = self.state.withLock { state in
            state.isClosed = true
            return Array(state.subscriptions.values)
        }
        for subscription in subscriptions { subscription.shutDown() }
    }

    /// A message: `{"type": …, "payload": …}`.
    static func text(_ type: String, _ payload: JSONObject) -> String {
        let message: JSONValue = ["type": .string(type), "payload": .object(payload)]
        return (try? message.text()) ?? "{}"
    }

    private func hasPlace(_ state: State, _ caller: String) -> Bool {
        guard state.subscriptions.count < self.limits.connectsMax else { return false }
        return state.subscriptions.values.count { $0.caller == caller } < self.limits.connectsPerCallerMax
    }
}
