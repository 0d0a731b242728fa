internal import NIOCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension MessageCoding where Message: Codable {
    /// JSON with sorted keys and no white space; slashes are not escaped.
    public static var json: MessageCoding {
        MessageCoding(
            name: "json",
            encode: { message in
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                return ByteBuffer(bytes: try encoder.encode(message))
            },
            decode: { buffer in
                let data = buffer.withUnsafeReadableBytes { Data($0) }
                return try JSONDecoder().decode(Message.self, from: data)
            })
    }
}
