public import NIOCore

/// What a server answers.
public struct AxonReply: Sendable {
    /// The HTTP status.
    public var status: Int
    /// Header fields in the order of the wire, `content-length` and `content-type` included; `date` and
    /// `server` are the driver's.
    public var headers: HeaderList
    /// The body; `nil` for a stream.
    public var body: ByteBuffer?
    /// Whether chunks follow, each sent as it comes.
    public var isStream: Bool { self.body == nil }
    /// The text that the server is to sign; `nil` when the reply carries no signature.
    public let signing: String?
    /// Why the request was not answered with its synapse; `nil` for a success. For logs and metrics.
    public let error: SynapseError?
    /// What is wrong with what a handler gave, for the log alone; `nil` where nothing is.
    public internal(set) var fault: String?

    private static let signatureHeader = "bt_header_axon_signature"

    init(
        status: Int, headers: HeaderList, body: ByteBuffer?, signing: String? = nil,
        error: SynapseError? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.signing = signing
        self.error = error
    }

    /// Signs the reply, when it is to be signed. Where the same signature stands in the body it is put there
    /// too.
    ///
    /// - Throws: ``BittensorError/Code/signing``.
    public mutating func sign(with signer: any HotkeySigner) throws(BittensorError) {
        guard let signing = self.signing else { return }
        self.headers.set(Self.signatureHeader, try signer.signatureText(of: signing))
    }
}
