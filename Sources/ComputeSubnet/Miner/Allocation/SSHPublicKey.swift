#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A public key of OpenSSH, taken apart and put together again.
///
/// Nothing of what came is copied but what was understood: the type is one of a list, the base64 decodes to a
/// blob whose fields are those of the type with sizes in bounds, and the comment is made of harmless
/// characters. Options, which stand before the type in an authorized_keys file, are refused.
package struct SSHPublicKey: Sendable, Hashable {
    /// Bytes of one line.
    private static let lineBytesMax = 4096
    private static let commentBytesMax = 128
    /// An RSA modulus: weaker ones are refused by servers, larger ones cost too much to verify.
    private static let rsaBits = 2048...8192

    /// The type, such as `ssh-ed25519`.
    package let type: String
    /// The wire form of the key (RFC 4253 §6.6).
    package let blob: [UInt8]
    /// What follows the key; may be empty.
    package let comment: String

    /// The canonical line: type, base64 and comment.
    package var line: String {
        let key = "\(type) \(Data(blob).base64EncodedString())"
        return comment.isEmpty ? key : "\(key) \(comment)"
    }

    /// Reads one line.
    ///
    /// - Throws: `malformedRequest` with the reason.
    package init(_ text: String) throws(ComputeError) {
        guard text.utf8.count <= Self.lineBytesMax else { throw Self.wrong("is longer than 4096 bytes") }
        // One line end at the end is how `cat id_ed25519.pub` comes; anywhere else it would begin another
        // line.
        var bytes = Array(text.utf8)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard bytes.allSatisfy({ (32...126).contains($0) }) else {
            throw Self.wrong("holds line ends, control characters or other than ASCII")
        }
        let parts = bytes.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2 else { throw Self.wrong("is not of the form: type base64 comment") }
        type = String(decoding: parts[0], as: UTF8.self)
        let encoded = String(decoding: parts[1], as: UTF8.self)
        guard let decoded = Data(base64Encoded: encoded), decoded.base64EncodedString() == encoded else {
            throw Self.wrong("is not base64 after its type")
        }
        blob = Array(decoded)
        comment = parts.count > 2 ? String(decoding: parts[2], as: UTF8.self) : ""
        guard comment.utf8.count <= Self.commentBytesMax, comment.utf8.allSatisfy(Self.isCommentByte) else {
            throw Self.wrong("has a comment with other characters than letters, digits, blank and @._+:/=,-")
        }
        try Self.checkBlob(blob, type: type)
    }

    private static func wrong(_ what: String) -> ComputeError {
        ComputeError(.malformedRequest, "The SSH key \(what).")
    }

    private static func isCommentByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            return true
        default:
            return " @._+:/=,-".utf8.contains(byte)
        }
    }

    private static func checkBlob(_ blob: [UInt8], type: String) throws(ComputeError) {
        var rest = blob[...]
        /// The next field: 4 bytes length, big-endian, and that many bytes.
        func field() throws(ComputeError) -> [UInt8] {
            guard rest.count >= 4 else { throw wrong("is cut off") }
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard length <= rest.count - 4 else { throw wrong("is cut off") }
            let start = rest.startIndex + 4
            defer { rest = rest[(start + length)...] }
            return Array(rest[start..<start + length])
        }
        let inner = try field()
        guard inner == Array(type.utf8) else { throw wrong("says one type and holds another") }
        func checkPoint(_ curve: String, bytes: Int) throws(ComputeError) {
            guard try field() == Array(curve.utf8) else { throw wrong("names another curve than its type") }
            let point = try field()
            guard point.count == 1 + 2 * bytes, point[0] == 4 else {
                throw wrong("holds no point of its curve")
            }
        }
        switch type {
        case "ssh-ed25519":
            guard try field().count == 32 else { throw wrong("has not 32 bytes") }
        case "sk-ssh-ed25519@openssh.com":
            guard try field().count == 32 else { throw wrong("has not 32 bytes") }
            try checkApplication(try field())
        case "ecdsa-sha2-nistp256": try checkPoint("nistp256", bytes: 32)
        case "ecdsa-sha2-nistp384": try checkPoint("nistp384", bytes: 48)
        case "ecdsa-sha2-nistp521": try checkPoint("nistp521", bytes: 66)
        case "sk-ecdsa-sha2-nistp256@openssh.com":
            try checkPoint("nistp256", bytes: 32)
            try checkApplication(try field())
        case "ssh-rsa":
            let (exponent, modulus) = (try field(), try field())
            guard (1...8).contains(exponent.count), exponent[0] < 128, (exponent.last ?? 0) & 1 == 1 else {
                throw wrong("has no usable exponent")
            }
            let digits = modulus.drop { $0 == 0 }
            let bits = digits.count * 8 - (digits.first?.leadingZeroBitCount ?? 0)
            guard modulus.first.map({ $0 < 128 }) ?? false, rsaBits.contains(bits) else {
                throw wrong("is RSA of \(bits) bits, not of 2048 to 8192")
            }
        default:
            throw wrong("is of a type that is not accepted")
        }
        guard rest.isEmpty else { throw wrong("goes on after its end") }
    }

    private static func checkApplication(_ bytes: [UInt8]) throws(ComputeError) {
        guard (1...64).contains(bytes.count), bytes.allSatisfy({ (33...126).contains($0) }) else {
            throw wrong("names no application")
        }
    }

    /// The keys in the member `ssh_key` of a request: the user's, and after a line end perhaps the
    /// terminal's.
    ///
    /// - Throws: `malformedRequest`; `unsupported` where there is none, for nobody logs in without.
    static func pair(_ text: String) throws(ComputeError) -> (user: SSHPublicKey, terminal: SSHPublicKey?) {
        let lines = text.split { $0 == "\n" || $0 == "\r\n" }
        guard let first = lines.first else {
            throw ComputeError(.unsupported, "ssh_key is empty: there are no passwords, a key is needed.")
        }
        guard lines.count <= 2 else { throw wrong("comes with more than one other") }
        return (
            try SSHPublicKey(String(first)), lines.count > 1 ? try SSHPublicKey(String(lines[1])) : nil
        )
    }
}
