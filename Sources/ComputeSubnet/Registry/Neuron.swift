public import BittensorCore

/// A registered hotkey of a subnet, as the registry knows it.
public struct Neuron: Sendable, Hashable {
    /// Its number within the subnet.
    public var uid: UInt16
    /// SS58 address of the key that signs requests.
    public var hotkey: String
    /// SS58 address of the owner.
    public var coldkey: String
    /// Total stake in rao; 1 TAO is 1,000,000,000 rao.
    public var stakeRao: UInt64
    /// Whether it may set weights.
    public var isValidatorPermitted: Bool
    /// The block of its last change of weights.
    public var lastUpdate: UInt64
    /// Where it serves; `nil` when it never said.
    public var axon: AxonRecord?
    /// Where its metrics are, and which version it runs.
    public var prometheus: PrometheusRecord?

    /// A neuron from its parts.
    public init(
        uid: UInt16, hotkey: String, coldkey: String, stakeRao: UInt64, isValidatorPermitted: Bool,
        lastUpdate: UInt64 = 0, axon: AxonRecord? = nil, prometheus: PrometheusRecord? = nil
    ) {
        self.uid = uid
        self.hotkey = hotkey
        self.coldkey = coldkey
        self.stakeRao = stakeRao
        self.isValidatorPermitted = isValidatorPermitted
        self.lastUpdate = lastUpdate
        self.axon = axon
        self.prometheus = prometheus
    }

    /// The stake in TAO, as near as a double comes.
    public var stakeTAO: Double { Double(self.stakeRao) / 1e9 }
}

/// Where a neuron serves its axon.
public struct AxonRecord: Sendable, Hashable {
    /// The block of the serve call.
    public var block: UInt64
    /// The version it announced; 183 for release 1.8.3.
    public var version: UInt32
    /// Where it listens.
    public var ip: IPAddress
    /// TCP port, never 0.
    public var port: UInt16
    /// The number of the protocol; 4 with every known release.
    public var protocolNumber: UInt8
    /// Reserved by the chain.
    public var placeholder1: UInt8
    /// Reserved by the chain.
    public var placeholder2: UInt8
    /// The certificate of a TLS serve call: one byte for the algorithm and at most 64 of key.
    public var certificate: [UInt8]?

    /// A record from its parts.
    public init(
        block: UInt64 = 0, version: UInt32, ip: IPAddress, port: UInt16, protocolNumber: UInt8 = 4,
        placeholder1: UInt8 = 0, placeholder2: UInt8 = 0, certificate: [UInt8]? = nil
    ) {
        self.block = block
        self.version = version
        self.ip = ip
        self.port = port
        self.protocolNumber = protocolNumber
        self.placeholder1 = placeholder1
        self.placeholder2 = placeholder2
        self.certificate = certificate
    }

    /// Whether there is anybody at this address.
    public var isServing: Bool { !self.ip.isUnspecified }
    /// `HOST:PORT`, IPv6 in brackets.
    public var hostPort: String { self.ip.with(port: self.port) }
}

/// Where a neuron says its metrics are. Validators of release 1.8.3 use it as a sign of their version.
public struct PrometheusRecord: Sendable, Hashable {
    /// The block of the serve call.
    public var block: UInt64
    /// The version it announced.
    public var version: UInt32
    /// Where it listens.
    public var ip: IPAddress
    /// TCP port, never 0.
    public var port: UInt16

    /// A record from its parts.
    public init(block: UInt64 = 0, version: UInt32, ip: IPAddress, port: UInt16) {
        self.block = block
        self.version = version
        self.ip = ip
        self.port = port
    }
}
