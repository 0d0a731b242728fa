internal import Synchronization

/// A method with its handler, as a router keeps it: the types are inside ``serve``.
final class RegisteredMethod: Sendable {
    /// Serves one call from its first request to its last response, `finish(nil)` included; what it throws is
    /// the status.
    typealias Serve = @Sendable (any ServerCallStream, CallContext) async throws -> Void

    let descriptor: MethodDescriptor
    let callsMax: Int
    let serve: Serve
    let callsInFlight = Atomic<Int>(0)

    init(descriptor: MethodDescriptor, callsMax: Int, serve: @escaping Serve) {
        self.descriptor = descriptor
        self.callsMax = callsMax
        self.serve = serve
    }
}
