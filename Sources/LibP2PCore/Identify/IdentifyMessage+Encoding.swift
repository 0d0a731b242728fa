internal import LibP2PIdentity
internal import LibP2PWire
internal import Multiformats
package import NIOCore
internal import SwiftProtobuf

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension IdentifyMessage {
    /// Writes the message as one frame, or as several when it is longer than
    /// ``IdentifyLimits/chunkBytesMax``.
    ///
    /// The first frame carries the single fields, because some peers read no further; the lists follow, and
    /// the signed record has a frame of its own when there is more than one.
    package func encode(into output: inout ByteBuffer, limits: IdentifyLimits = IdentifyLimits()) {
        var frames: [Libp2p_Identify_Identify] = []
        var frame = Libp2p_Identify_Identify()
        if let publicKey { frame.publicKey = .init(publicKey.protobufEncoded) }
        if let observedAddress { frame.observedAddr = .init(observedAddress.bytes) }
        if let protocolVersion { frame.protocolVersion = protocolVersion }
        if let agentVersion { frame.agentVersion = agentVersion }
        var size = Self.encoded(frame).count

        func reserve(_ bytes: Int) {
            // A tag and a length take at most four bytes.
            if size > 0, size + bytes + 4 > limits.chunkBytesMax, frames.count < limits.messagesMax - 2 {
                frames.append(frame)
                frame = Libp2p_Identify_Identify()
                size = 0
            }
            size += bytes + 4
        }

        for address in self.listenAddresses.prefix(limits.addressesMax) {
            reserve(address.bytes.count)
            frame.listenAddrs.append(.init(address.bytes))
        }
        for name in self.protocols.prefix(limits.protocolsMax) {
            reserve(name.utf8.count)
            frame.protocols.append(name)
        }
        if let signedPeerRecord {
            reserve(signedPeerRecord.count)
            frame.signedPeerRecord = .init(signedPeerRecord)
        }
        frames.append(frame)
        for frame in frames {
            let bytes = Self.encoded(frame)
            output.writeBytes(Varint.encode(UInt64(bytes.count)))
            output.writeBytes(bytes)
        }
    }

    private static func encoded(_ message: Libp2p_Identify_Identify) -> [UInt8] {
        // Serialising can only fail for missing required fields, and the message has none.
        (try? message.serializedBytes()) ?? []
    }
}
