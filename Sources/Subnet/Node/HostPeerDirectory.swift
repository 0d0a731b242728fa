package import LibP2P
public import LibP2PIdentity
internal import LibP2PRPC
package import SubnetRPC
internal import SubnetServices
internal import SwiftProtobuf

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What a host knows of other peers, for the Peers service: records that those peers signed, nothing else.
struct HostPeerDirectory: PeerDirectory {
    let host: Host

    func signedRecord(ofPeer peerID: [UInt8]) -> [UInt8]? {
        guard let peer = try? PeerID(bytes: peerID) else { return nil }
        if peer == self.host.peerID { return try? self.host.signedPeerRecord() }
        return self.host.addressBookEntry(of: peer)?.signedRecord
    }

    func peers(serving service: String, limit: Int) -> [(peerID: [UInt8], signedRecord: [UInt8])] {
        let prefix = MethodDescriptor.nativePrefix + service + "."
        var found: [(peerID: [UInt8], signedRecord: [UInt8])] = []
        for peer in self.host.connectedPeers.sorted() where found.count < limit {
            guard let information = self.host.information(of: peer), let record = information.signedRecord,
                service.isEmpty || information.protocols.contains(where: { $0.hasPrefix(prefix) })
            else { continue }
            found.append((peer.bytes, record))
        }
        return found
    }
}

/// Finds peers by asking connected ones.
package struct PeersResolver: AddressResolver {
    /// Peers asked for one answer.
    static let askedMax = 4
    static let deadline = Duration.seconds(5)

    private let host: Host
    private let client: Client

    /// A resolver that asks the peers `host` is connected to.
    package init(host: Host, client: Client) {
        self.host = host
        self.client = client
    }

    package func addresses(of peer: PeerID) async throws -> [Multiaddr] {
        for asked in self.helpers() {
            let request = PeersFindRequest.with { $0.peerID = Data(peer.bytes) }
            guard
                let answer = try? await self.client.call(
                    Peers.find, request, to: RPCPeer(asked), deadline: Self.deadline)
            else { continue }
            // One peer was asked for.
            guard let entry = answer.peers.first,
                let record = try? PeerRecord.open(Array(entry.signedRecord)).record, record.peerID == peer
            else { continue }
            return record.addresses
        }
        return []
    }

    /// Peers that serve `service`, as connected peers tell; their addresses go to the address book.
    package func peers(serving service: String) async throws -> [PeerID] {
        var found: [PeerID] = []
        var seen: Set<PeerID> = [self.host.peerID]
        var lastError: (any Error)?
        for asked in self.helpers() {
            do {
                let answer = try await self.client.call(
                    Peers.list, .with { $0.service = service }, to: RPCPeer(asked), deadline: Self.deadline)
                // Each costs a signature check and a place in the address book.
                for entry in answer.peers.prefix(PeersLimits().answersMax) {
                    guard let record = try? PeerRecord.open(Array(entry.signedRecord)).record,
                        seen.insert(record.peerID).inserted
                    else { continue }
                    self.host.addAddresses(record.addresses, of: record.peerID)
                    found.append(record.peerID)
                }
            } catch {
                lastError = error
            }
        }
        if found.isEmpty, let lastError { throw lastError }
        return found
    }

    private func helpers() -> [PeerID] {
        let id = Peers.find.descriptor.id(on: .native) ?? ""
        let serving = self.host.connectedPeers.sorted().filter {
            self.host.information(of: $0)?.protocols.contains(id) ?? false
        }
        return Array(serving.prefix(Self.askedMax))
    }
}

extension Node {
    /// Peers that serve `service`, as the peers we are connected to tell.
    public func peers(serving service: String) async throws -> [PeerID] {
        try await PeersResolver(host: self.host, client: self.client).peers(serving: service)
    }
}
