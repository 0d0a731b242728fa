internal import Synchronization

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The names under which one client counts nonces at an axon, one for each call in flight there.
///
/// A Python axon demands that nonces of one name grow in the order of arrival, which calls at the same time
/// cannot promise when they share a name. So each call in flight to one axon has a lane of its own, and a
/// lane is used again when its call has ended: as many names as calls at the same time, not as calls.
final class NonceLanes: Sendable {
    private struct Lanes {
        var free: [Int] = []
        var made = 0
    }

    private struct State {
        var names: [String]
        /// By axon; an axon without a call in flight has no entry.
        var byAxon: [String: Lanes] = [:]
        var lastNonce: Int64 = 0
    }

    private let state: Mutex<State>

    /// - Parameter first: the name of the first lane.
    init(first: String) {
        self.state = Mutex(State(names: [first]))
    }

    /// A lane for a call to an axon that begins.
    func enter(_ axon: String) -> (lane: Int, uuid: String) {
        self.state.withLock { state in
            var lanes = state.byAxon[axon] ?? Lanes()
            let lane: Int
            if let free = lanes.free.popLast() {
                lane = free
            } else {
                lane = lanes.made
                lanes.made += 1
            }
            state.byAxon[axon] = lanes
            while state.names.count <= lane { state.names.append(UUID().uuidString.lowercased()) }
            return (lane, state.names[lane])
        }
    }

    /// The call in a lane has ended.
    func leave(_ axon: String, _ lane: Int) {
        self.state.withLock { state in
            guard var lanes = state.byAxon[axon] else { return }
            lanes.free.append(lane)
            // The lowest lanes first, so that few names are used.
            lanes.free.sort(by: >)
            state.byAxon[axon] = lanes.free.count == lanes.made ? nil : lanes
        }
    }

    /// A nonce that no other call of this client has: the time, or a nanosecond more than the last one.
    func nonce(_ now: Int64) -> Int64 {
        self.state.withLock { state in
            state.lastNonce = max(now, state.lastNonce + 1)
            return state.lastNonce
        }
    }
}
