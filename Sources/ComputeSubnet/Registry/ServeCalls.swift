public import BittensorCore

/// The call by which an axon announces itself: `SubtensorModule.serve_axon`, or `serve_axon_tls` with a
/// certificate.
public struct ServeAxonCall: Sendable, Hashable {
    /// The subnet.
    public var netuid: UInt16
    /// The version of the protocols, 183 for release 1.8.3.
    public var version: UInt32
    /// Where the axon is reached.
    public var ip: IPAddress
    /// TCP port, never 0.
    public var port: UInt16
    /// 4 with every known release.
    public var protocolNumber: UInt8
    /// Reserved.
    public var placeholder1: UInt8
    /// Reserved.
    public var placeholder2: UInt8
    /// SS58 of the key that signs; compared with the registry, not sent.
    public var hotkey: String
    /// SS58 of the owner; compared with the registry, not sent.
    public var coldkey: String
    /// One byte for the algorithm and at most 64 bytes of key; not X.509.
    public var certificate: [UInt8]?

    /// A call from its parts.
    public init(
        netuid: UInt16, version: UInt32, ip: IPAddress, port: UInt16, protocolNumber: UInt8 = 4,
        placeholder1: UInt8 = 0, placeholder2: UInt8 = 0, hotkey: String, coldkey: String,
        certificate: [UInt8]? = nil
    ) {
        self.netuid = netuid
        self.version = version
        self.ip = ip
        self.port = port
        self.protocolNumber = protocolNumber
        self.placeholder1 = placeholder1
        self.placeholder2 = placeholder2
        self.hotkey = hotkey
        self.coldkey = coldkey
        self.certificate = certificate
    }

    /// The name of the call in the pallet.
    public var callName: String { self.certificate == nil ? "serve_axon" : "serve_axon_tls" }

    /// Whether the registry already says all of it: version, ip, port, kind of ip, subnet, both keys,
    /// protocol and placeholders. The certificate is not compared, as in release 1.8.3.
    func isUpToDate(_ neuron: Neuron) -> Bool {
        guard let axon = neuron.axon else { return false }
        return axon.version == self.version && axon.ip == self.ip && axon.port == self.port
            && neuron.hotkey == self.hotkey && neuron.coldkey == self.coldkey
            && axon.protocolNumber == self.protocolNumber && axon.placeholder1 == self.placeholder1
            && axon.placeholder2 == self.placeholder2
    }
}

/// The call by which metrics are announced: `SubtensorModule.serve_prometheus`.
public struct ServePrometheusCall: Sendable, Hashable {
    /// The subnet.
    public var netuid: UInt16
    /// The version of the protocols, 183 for release 1.8.3.
    public var version: UInt32
    /// Where the metrics are reached.
    public var ip: IPAddress
    /// TCP port, never 0.
    public var port: UInt16

    /// A call from its parts.
    public init(netuid: UInt16, version: UInt32, ip: IPAddress, port: UInt16) {
        self.netuid = netuid
        self.version = version
        self.ip = ip
        self.port = port
    }
}

/// What a caller waits for after it has submitted an extrinsic.
public struct ExtrinsicWait: Sendable, Hashable {
    /// Until a block holds it.
    public var inclusion: Bool
    /// Until that block is final.
    public var finalization: Bool

    /// Waits for the given; both false is not waiting at all.
    public init(inclusion: Bool = false, finalization: Bool = true) {
        self.inclusion = inclusion
        self.finalization = finalization
    }

    /// Whether the outcome will be known.
    public var isWaiting: Bool { self.inclusion || self.finalization }
}

/// What became of an extrinsic.
public enum ExtrinsicOutcome: Sendable, Hashable {
    /// It was sent, and nobody waited.
    case submitted
    /// It is in this block.
    case succeeded(block: UInt64)
    /// The chain refused it, and says why.
    case failed(String)
}
