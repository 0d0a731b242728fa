internal import AccountKeys
public import NIOCore

/// Who a client is.
public struct DendriteIdentity: Sendable, Hashable {
    /// Its own address, as it states it; servers look at the socket.
    public var ip: String
    /// Version of its software as one number. Python servers only check freshness from 7.2 upwards.
    public var version: Int
    /// Names this run of it.
    public var uuid: String

    /// An identity.
    public init(ip: String = "0.0.0.0", version: Int = 10_005_000, uuid: String) {
        self.ip = ip
        self.version = version
        self.uuid = uuid
    }
}

/// How a client proves its hotkey.
public enum DendriteAuthentication: String, Sendable, Hashable, CaseIterable {
    /// The classic headers of 7.x to 10.x.
    case synapse
    /// `btauth/1`, for servers that speak it.
    case btauth1
    /// Both in one request: classic servers look at the one, others at the other.
    case both
}

/// One request, ready to be sent.
public struct DendriteRequest: Sendable {
    /// Always `POST`.
    public let method = "POST"
    /// `/` and the name of the synapse.
    public let target: String
    /// The headers in the order of the wire, `Content-Type` at the end; those of the connection are the
    /// driver's.
    public let headers: HeaderList
    /// The body.
    public let body: ByteBuffer
    /// Seconds that the whole exchange may take.
    public let timeout: Double

    /// Fills in both ends of a synapse and signs it.
    ///
    /// - Parameters:
    ///   - synapse: gets the name, the timeout and both terminals, as the caller keeps them.
    ///   - axon: the server: its address, and the hotkey that the signature is for.
    ///   - identity: what the client says of itself.
    ///   - nonce: nanoseconds since 1970, higher than those before: servers refuse a repeated one.
    ///   - timeout: seconds that the whole exchange may take; the server is told.
    ///   - signer: the client's hotkey.
    ///   - authentication: which proofs the request carries.
    /// - Throws: ``BittensorError/Code/invalidValue`` when a field does not fit the table, `signing` when the
    ///   hotkey did not sign, and `invalidConfiguration` for classic headers by a hotkey that is not sr25519.
    public init<S: Synapse>(
        _ synapse: inout S, to axon: AxonInfo, from identity: DendriteIdentity, nonce: Int, timeout: Double,
        signer: any HotkeySigner, authentication: DendriteAuthentication = .synapse
    ) throws(BittensorError) {
        let schema = S.schema
        self.target = "/" + schema.name
        self.timeout = timeout
        synapse.head.name = schema.name
        synapse.head.timeout = timeout
        synapse.head.headerSize = 0
        synapse.head.computedBodyHash = ""
        synapse.head.axon = TerminalInfo(ip: axon.ip, port: axon.port, hotkey: axon.hotkey)
        synapse.head.dendrite = TerminalInfo(
            ip: identity.ip, version: identity.version, nonce: nonce, uuid: identity.uuid,
            hotkey: signer.hotkey)
        var any = try AnySynapse(synapse)
        let hash = any.bodyHash(schema)
        if authentication != .btauth1 {
            guard signer.scheme == .sr25519 else {
                throw BittensorError(
                    .invalidConfiguration,
                    "the classic headers take every hotkey for sr25519; use btauth/1 with \(signer.scheme)")
            }
            let message = SynapseSignature.dendriteMessage(
                nonce: nonce, dendrite: signer.hotkey, axon: axon.hotkey, uuid: identity.uuid, bodyHash: hash)
            let signature = try signer.signatureText(of: message)
            synapse.head.dendrite.signature = signature
            any.head.dendrite.signature = signature
        }
        do {
            self.body = try any.body(.python)
        } catch {
            throw BittensorError(.invalidValue, error.message, cause: error)
        }
        var headers = HeaderList()
        if authentication != .btauth1 {
            headers.add(
                contentsOf: SynapseHeaders.encode(
                    any, schema: schema, bodyHash: hash, totalSize: any.head.totalSize))
        }
        if authentication != .synapse {
            headers.add(
                contentsOf: try BTAuth.headers(
                    method: "POST", target: self.target, body: self.body, nonce: nonce,
                    receiver: axon.hotkey, signer: signer))
        }
        headers.add("Content-Type", "application/json")
        self.headers = headers
    }
}
