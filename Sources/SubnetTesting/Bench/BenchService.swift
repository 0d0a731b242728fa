internal import SubnetRPC
internal import SubnetServices

/// What a benchmark calls: the same two shapes that `Interop/bench_hivemind.py` serves, with messages of the
/// same form.
enum BenchService: RPCService {
    static let name = "Bench"
    /// Gives the payload back.
    static let echo = unary("echo", TaskRequest.self, TaskResponse.self)
    /// Sends `count` results of `bytes` bytes; the task id says `bytes,count`.
    static let stream = serverStreaming("stream", TaskRequest.self, TaskResponse.self)
    static let methods = [echo.erased, stream.erased]
}
