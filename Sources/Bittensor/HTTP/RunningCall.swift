internal import SubnetRPC
internal import Synchronization

/// The call that a connection answers: cancelled when its caller goes, also when that was before the call.
final class RunningCall: Sendable {
    private struct State {
        var call: HTTPCall?
        var isGone = false
    }

    private static let goneAway = RPCError(.cancelled, "the caller went away")

    private let state = Mutex(State())

    /// The call that runs from now on; `nil` when none does.
    func set(_ call: HTTPCall?) {
        let isGone = self.state.withLock { state in
            state.call = call
            return state.isGone
        }
        if isGone { call?.cancel(Self.goneAway) }
    }

    /// The connection is closed, or its caller has ended its side.
    func callerWent() {
        let call = self.state.withLock { state in
            state.isGone = true
            return state.call.take()
        }
        call?.cancel(Self.goneAway)
    }
}
