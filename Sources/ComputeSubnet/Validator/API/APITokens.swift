internal import Crypto

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The bearer tokens that the API takes, as their SHA-256: the file tells nobody how to get in.
///
/// One per line: `NAME SCOPE HEX`, where the scope is `read`, `lease` or `admin` and HEX is the SHA-256 of
/// the token, 64 digits; empty lines and lines that start with `#` say nothing. Tokens are random texts of
/// their makers, at least 128 bits, so a quick hash is enough.
package struct APITokens: Sendable {
    struct Token: Sendable {
        let name: String
        let scope: APIRoute.Scope
        let digest: [UInt8]
    }

    /// Most bytes of the file.
    package static let bytesMax = 256 << 10
    /// Most tokens.
    package static let countMax = 1000

    let tokens: [Token]

    /// Reads the lines of a file.
    ///
    /// - Throws: ``ComputeError`` with `invalidConfiguration` and the number of the line that is wrong, also
    ///   when there is no token at all.
    package init(text: String) throws(ComputeError) {
        var tokens: [Token] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.drop { $0 == " " }
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: " ")
            guard parts.count == 3, let scope = APIRoute.Scope(rawValue: String(parts[1])),
                let digest = Self.digest(parts[2]), parts[0].utf8.count <= 64,
                parts[0].utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else {
                throw ComputeError(
                    .invalidConfiguration,
                    "Line \(index + 1) of the token file is not NAME read|lease|admin SHA256-HEX.")
            }
            tokens.append(Token(name: String(parts[0]), scope: scope, digest: digest))
        }
        guard (1...Self.countMax).contains(tokens.count) else {
            throw ComputeError(
                .invalidConfiguration, "The token file must hold 1 to \(Self.countMax) tokens.")
        }
        guard Set(tokens.map(\.name)).count == tokens.count else {
            throw ComputeError(.invalidConfiguration, "The token file names one name twice.")
        }
        self.tokens = tokens
    }

    /// Reads a file, which must not be readable by others. Blocking.
    ///
    /// - Throws: As ``init(text:)``, and ``ComputeError`` with `storage`.
    package init(file: String) throws(ComputeError) {
        guard let bytes = try PrivateFile.read(file, bytesMax: Self.bytesMax) else {
            throw ComputeError(.invalidConfiguration, "There is no token file \(file).")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ComputeError(.invalidConfiguration, "The token file \(file) is not UTF-8.")
        }
        try self.init(text: text)
    }

    /// The line of a token file for a token.
    package static func line(name: String, scope: String, token: String) -> String {
        let digest = SHA256.hash(data: Array(token.utf8)).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 2 ? text : "0" + text
        }
        return "\(name) \(scope) \(digest.joined())"
    }

    /// Whose token it is; takes the same time wherever, or whether, it stands in the list.
    func owner(of token: String) -> Token? {
        let digest = SHA256.hash(data: Array(token.utf8))
        var found: Token?
        // Comparing a digest with bytes takes constant time, and no candidate is skipped.
        for candidate in self.tokens where digest == candidate.digest { found = candidate }
        return found
    }

    private static func digest(_ text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 64, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16),
                digits[index] != 43
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}

extension APITokens {
    /// Makes a token of 256 random bits and adds its line to a file, which is made with mode 0600 when it is
    /// missing. Blocking.
    ///
    /// - Returns: The token, which is nowhere else.
    /// - Throws: ``ComputeError`` with `invalidConfiguration` when the name is taken or cannot be used, the
    ///   scope does not exist, or the file holds something else; `storage` when it cannot be written.
    package static func make(name: String, scope: String, in file: String) throws(ComputeError) -> String {
        let token = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        let before = try PrivateFile.read(file, bytesMax: Self.bytesMax) ?? []
        guard let text = String(validating: before, as: UTF8.self) else {
            throw ComputeError(.invalidConfiguration, "The token file \(file) is not UTF-8.")
        }
        let separator = text.isEmpty || text.hasSuffix("\n") ? "" : "\n"
        let changed = text + separator + Self.line(name: name, scope: scope, token: token) + "\n"
        _ = try APITokens(text: changed)
        try PrivateFile.replace(file, Array(changed.utf8))
        return token
    }
}
