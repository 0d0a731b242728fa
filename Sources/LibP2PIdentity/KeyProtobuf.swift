internal import Multiformats

/// The `PublicKey` and `PrivateKey` messages, which have the same shape.
///
/// Layout: 08 | type (one byte, 0...3) | 12 | length varint | data. The spec demands one encoding: both
/// fields, in this order, minimal, and nothing else; a peer id is a hash of it.
/// - Source: <https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md#keys>
enum KeyProtobuf {
    static func encode(_ type: KeyType, data: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter(capacity: data.count + 8)
        writer.append(UInt64(type.rawValue), field: 1)
        writer.append(data, field: 2)
        return writer.bytes
    }

    static func decode(
        _ bytes: [UInt8],
        dataBytesMax: Int
    ) throws(IdentityError) -> (type: KeyType, data: [UInt8]) {
        guard bytes.count <= dataBytesMax + 8 else {
            throw IdentityError(
                .limitExceeded, "a key message of \(bytes.count) bytes exceeds \(dataBytesMax + 8)")
        }
        guard bytes.count >= 4, bytes[0] == 0x08, bytes[2] == 0x12 else {
            throw IdentityError(
                .malformedProtobuf, "a key message is not the fields type and data in this order")
        }
        guard let type = KeyType(rawValue: bytes[1]) else {
            throw IdentityError(.unsupportedKeyType, "key type \(bytes[1]) is not one of 0 to 3")
        }
        var index = 3
        let length: UInt64
        do {
            length = try Varint.decode(bytes, at: &index)
        } catch {
            throw IdentityError(.malformedProtobuf, "the length in a key message is broken", cause: error)
        }
        let rest = bytes.count - index
        guard length == UInt64(rest) else {
            throw IdentityError(
                .malformedProtobuf, "a key message states \(length) bytes of data and has \(rest)")
        }
        return (type, Array(bytes[index...]))
    }
}
