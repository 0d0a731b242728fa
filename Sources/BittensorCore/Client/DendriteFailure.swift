/// Why a call has no reply that could be read: each has its status and message at the client's end.
public enum DendriteFailure: Error, Sendable, Hashable {
    /// Nothing accepts connections there.
    case cannotConnect(ip: String, port: Int, name: String)
    /// The whole exchange took longer than the caller waits.
    case timedOut(seconds: Double)
    /// The server closed the connection before it had answered. NI Compute's miners do so when their handler
    /// fails.
    case disconnected
    /// The body broke off, or is larger than this client reads.
    case payload(String)
    /// The request could not be sent.
    case client(String)
    /// Connecting or reading took too long, within the caller's time.
    case serverTimeout(String)
    /// The reply is no HTTP that the client understands.
    case response(status: Int, String)
    /// The reply is no synapse.
    case parse(String)

    /// The status at the client's end.
    public var status: Int {
        switch self {
        case .cannotConnect, .disconnected: 503
        case .timedOut: 408
        case .payload: 400
        case .client: 500
        case .serverTimeout: 504
        case .response(let status, _): status
        case .parse: 422
        }
    }

    /// The message at the client's end.
    public var message: String {
        switch self {
        case .cannotConnect(let ip, let port, let name): "Service unavailable at \(ip):\(port)/\(name)"
        case .timedOut(let seconds): "Request timeout after \(PythonText.float(seconds)) seconds"
        case .disconnected: "Service disconnected: Server disconnected"
        case .payload(let fault): "Payload error: \(fault)"
        case .client(let fault): "Client error: \(fault)"
        case .serverTimeout(let fault): "Server timeout error: \(fault)"
        case .response(_, let fault): "Client response error: \(fault)"
        case .parse(let fault): "Failed to parse response: \(fault)"
        }
    }
}
