import ModelWorkers
import NIOCore
import SubnetRPC
import Testing

@testable import Subnet

@Suite("The text generator of a worker")
struct WorkerTextGeneratorTests {
    @Test(arguments: [
        (WorkerError.Code.unavailable, RPCError.Code.unavailable), (.busy, .resourceExhausted),
    ])
    func `says when to ask again`(code: WorkerError.Code, told: RPCError.Code) {
        let error = RPCError(worker: WorkerError(code, "not now", retryAfter: .milliseconds(1500)))
        #expect(error.code == told && error.retryAfter == Duration.milliseconds(1500))
        #expect(RPCError(worker: WorkerError(code, "not now")).retryAfter == nil)
    }
}
