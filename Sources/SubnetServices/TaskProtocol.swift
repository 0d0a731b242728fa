public import SubnetRPC
internal import SwiftProtobuf

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The example protocol of the Hypertensor subnet template: one task in, one result out.
///
/// It answers on the template's wire (`/subnet/task_protocol/1.0.0`, to unmodified Python peers) and on the
/// native one.
public enum TaskProtocol: RPCService {
    public static let name = "TaskProtocol"
    /// Runs one task on the peer.
    public static let submit = unary("submit", TaskRequest.self, TaskResponse.self)
        .named("/subnet/task_protocol/1.0.0", on: .template)
    public static let methods = [submit.erased]
}

extension Router {
    /// Serves ``TaskProtocol`` by a function from payload to result.
    ///
    /// What `run` throws is an answer, not a failed call: `accepted` is false and `error` carries the message
    /// of an `RPCError` or, for other errors, a sentence that gives nothing away.
    public func registerTaskProtocol(
        authorizer: (any Authorizer)? = nil,
        _ run: @escaping @Sendable (_ taskID: String, _ payload: [UInt8], CallContext) async throws -> [UInt8]
    ) throws {
        try self.register(TaskProtocol.self, authorizer: authorizer) {
            $0.handle(TaskProtocol.submit) { request, context in
                do {
                    let result = try await run(request.taskID, Array(request.payload), context)
                    return TaskResponse.with {
                        $0.accepted = true
                        $0.result = .init(result)
                    }
                } catch {
                    try context.checkCancellation()
                    return TaskResponse.with { $0.error = (error as? RPCError)?.message ?? "the task failed" }
                }
            }
        }
    }
}
