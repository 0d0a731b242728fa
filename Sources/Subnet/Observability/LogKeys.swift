/// The keys of log metadata. All code of this package uses these and no others, so that logs can be searched
/// by key.
///
/// Never in a log: payloads, prompts, keys, tokens. What a peer caused is logged at `debug` or below.
package enum LogKeys {
    /// The peer id of the other side.
    package static let peer = "subnet.peer"
    /// The peer id of this node.
    package static let localPeer = "subnet.local_peer"
    /// The multiaddress of the other side.
    package static let address = "subnet.address"
    /// The number of a connection, unique within the process.
    package static let connection = "subnet.connection"
    /// The number of a stream within its connection.
    package static let stream = "subnet.stream"
    /// The protocol id.
    package static let `protocol` = "subnet.protocol"
    /// The service and method of a call.
    package static let method = "subnet.method"
    /// The number of a call, unique within the process.
    package static let call = "subnet.call"
    /// The code of an error.
    package static let code = "subnet.code"
    /// What went wrong.
    package static let error = "subnet.error"
    /// A time span in milliseconds.
    package static let milliseconds = "subnet.milliseconds"
    /// A number of bytes.
    package static let bytes = "subnet.bytes"
    /// A number of things.
    package static let count = "subnet.count"
    /// A file or folder.
    package static let path = "subnet.path"
    /// The process id of a worker.
    package static let process = "subnet.process"
    /// The part of the node that speaks.
    package static let component = "subnet.component"
}
