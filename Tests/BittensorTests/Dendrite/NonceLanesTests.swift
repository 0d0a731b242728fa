import Testing

@testable import Bittensor

/// Names and nonces of calls at the same time.
@Suite struct NonceLanesTests {
    @Test func `calls in flight to one axon have different names, later ones use them again`() {
        let lanes = NonceLanes(first: "first")
        let one = lanes.enter("a")
        let two = lanes.enter("a")
        let other = lanes.enter("b")
        #expect(one.uuid == "first")
        #expect(two.uuid != "first")
        #expect(other.uuid == "first")
        lanes.leave("a", one.lane)
        #expect(lanes.enter("a").uuid == "first")
        #expect(lanes.enter("a").uuid != two.uuid)
        for lane in 0..<3 { lanes.leave("a", lane) }
        lanes.leave("b", other.lane)
        #expect(lanes.enter("a").lane == 0)
    }

    @Test func `a nonce is never given twice, also when the clock stands or goes back`() {
        let lanes = NonceLanes(first: "first")
        #expect([5, 5, 3, 10].map { lanes.nonce($0) } == [5, 6, 7, 10])
    }
}
