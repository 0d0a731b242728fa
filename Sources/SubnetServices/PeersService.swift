public import SubnetRPC
internal import SwiftProtobuf

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Asking a connected peer for other peers it knows: the way to an address before there is a DHT.
///
/// Answers are records that the named peers signed themselves, so whoever is asked can leave out but not
/// invent.
public enum Peers: RPCService {
    public static let name = "Peers"
    /// The record of one peer.
    public static let find = unary("find", PeersFindRequest.self, PeersResponse.self)
    /// Peers that serve a service.
    public static let list = unary("list", PeersListRequest.self, PeersResponse.self)
    public static let methods = [find.erased, list.erased]
}

/// What a node knows of other peers, for the ``Peers`` service.
public protocol PeerDirectory: Sendable {
    /// The signed record of a peer, by its binary id.
    func signedRecord(ofPeer peerID: [UInt8]) -> [UInt8]?
    /// Connected peers that serve `service` (any when empty), with their signed records, at most `limit`.
    func peers(serving service: String, limit: Int) -> [(peerID: [UInt8], signedRecord: [UInt8])]
}

/// The bounds of the ``Peers`` service.
public struct PeersLimits: Sendable, Hashable {
    /// Bytes of a peer id.
    public var peerIDBytesMax = 128
    /// Bytes of a service name.
    public var serviceBytesMax = 256
    /// Peers in one answer.
    public var answersMax = 32

    /// The defaults.
    public init() {}
}

extension Router {
    /// Serves ``Peers`` from `directory`. Give it a rate limit as `authorizer`: each answer costs the peer
    /// asked more than the asker.
    public func registerPeers(
        _ directory: any PeerDirectory, limits: PeersLimits = PeersLimits(), authorizer: (any Authorizer)?
    ) throws {
        try self.register(Peers.self, authorizer: authorizer) {
            $0.handle(Peers.find) { request, _ in
                guard !request.peerID.isEmpty, request.peerID.count <= limits.peerIDBytesMax else {
                    throw RPCError(.invalidArgument, "peer_id must have 1 to \(limits.peerIDBytesMax) bytes")
                }
                let peerID = Array(request.peerID)
                guard let record = directory.signedRecord(ofPeer: peerID) else { return PeersResponse() }
                return .with { $0.peers = [.with { $0.set(peerID, record) }] }
            }
            $0.handle(Peers.list) { request, _ in
                guard request.service.utf8.count <= limits.serviceBytesMax else {
                    throw RPCError(.invalidArgument, "service is longer than \(limits.serviceBytesMax) bytes")
                }
                let wanted = request.limit == 0 ? limits.answersMax : Int(clamping: request.limit)
                let found = directory.peers(serving: request.service, limit: min(wanted, limits.answersMax))
                return .with {
                    $0.peers = found.prefix(limits.answersMax).map { peer in
                        .with { $0.set(peer.peerID, peer.signedRecord) }
                    }
                }
            }
        }
    }
}

extension PeersEntry {
    fileprivate mutating func set(_ peerID: [UInt8], _ record: [UInt8]) {
        self.peerID = .init(peerID)
        self.signedRecord = .init(record)
    }
}
