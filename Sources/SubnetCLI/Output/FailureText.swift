internal import LibP2PCore
internal import ModelWorkers
internal import NIOCore
internal import Subnet
internal import SubnetRPC

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// What the errors of the modules below say to a person: the message, and what the system said beneath it.
/// Codes and causes that repeat the message stay out; they are for logs.
enum FailureText {
    /// The sentence of an error; nil when it is none of ours.
    static func sentence(_ error: any Error) -> String? {
        switch error {
        case let error as LibP2PError: joined(error.message, error.cause)
        case let error as RPCError: joined(error.message, error.cause)
        case let error as WorkerError: joined(error.message, error.cause)
        case let error as NodeError: error.message
        default: nil
        }
    }

    private static func joined(_ message: String, _ cause: (any Error)?) -> String {
        guard let reason = cause.flatMap(systemReason), !message.contains(reason) else { return message }
        return "\(message): \(reason)"
    }

    /// What the system said, however deep it lies.
    private static func systemReason(_ error: any Error) -> String? {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
        case let error as LibP2PError: error.cause.flatMap(systemReason)
        case let error as RPCError: error.cause.flatMap(systemReason)
        case let error as WorkerError: error.cause.flatMap(systemReason)
        default: nil
        }
    }
}
