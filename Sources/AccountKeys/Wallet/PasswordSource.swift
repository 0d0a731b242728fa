internal import NIOPosix

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Where the password of a sealed keyfile comes from.
///
/// Sources are asked in order, and the first that has a password wins; one whose password is wrong is not
/// followed by the next.
public struct PasswordSource: Sendable {
    private enum Kind: Sendable {
        case password(SecretBytes)
        case file(String, SecretFile.Protection)
        case environment([String: String])
        case prompt(@Sendable (String) throws -> SecretBytes?)
    }

    private let kinds: [Kind]

    /// No password: a sealed keyfile is refused.
    public static let none = PasswordSource(kinds: [])

    /// A password that is known.
    public static func password(_ password: SecretBytes) -> PasswordSource {
        PasswordSource(kinds: [.password(password)])
    }

    /// A password that is known, as text.
    public static func text(_ password: String) -> PasswordSource {
        .password(SecretBytes(Array(password.utf8)))
    }

    /// The first line of a file that only its owner may read.
    public static func file(_ path: String) -> PasswordSource {
        PasswordSource(kinds: [.file(path, .secret)])
    }

    /// The first line of a file, whoever may read it; the caller warns (see ``SecretInput/warning(about:)``).
    package static func borrowedFile(_ path: String) -> PasswordSource {
        PasswordSource(kinds: [.file(path, .borrowed)])
    }

    /// Variables as Bittensor's wallet sets them: `BT_PW_` and the keyfile's path in capitals, whose value is
    /// veiled (see ``EnvironmentPassword``); then `BT_WALLET_PASSWORD`, plain.
    ///
    /// - Parameter variables: nil for those of the process.
    public static func environment(_ variables: [String: String]? = nil) -> PasswordSource {
        let variables = variables ?? ProcessInfo.processInfo.environment
        // Others are not kept: they may be large, and hold other people's secrets.
        return PasswordSource(kinds: [.environment(variables.filter { $0.key.hasPrefix("BT_") })])
    }

    /// Asks with a function that may block; it gets a sentence to show and returns nil for no answer.
    public static func prompt(_ ask: @escaping @Sendable (String) throws -> SecretBytes?) -> PasswordSource {
        PasswordSource(kinds: [.prompt(ask)])
    }

    /// Asks on the terminal of the process, without an echo; no source where there is no terminal.
    public static let terminal = prompt { try TerminalPrompt.ask($0) }

    /// The environment, then the terminal.
    public static var standard: PasswordSource { environment().or(terminal) }

    /// This source, then `next`.
    public func or(_ next: PasswordSource) -> PasswordSource { PasswordSource(kinds: kinds + next.kinds) }

    /// The password for the keyfile at `path`; nil where no source has one.
    ///
    /// - Throws: `.passwordSource` where a source is there and cannot be read, `.keyfileExposed` for a file
    ///   that others can read, `.cancelled`.
    public func password(forKeyfile path: String) async throws(AccountKeyError) -> SecretBytes? {
        for kind in kinds {
            if let password = try await Self.password(kind, path) {
                guard (1...AccountKeyLimits.passwordBytesMax).contains(password.count) else {
                    throw AccountKeyError(.passwordSource, "a password is empty or far too long")
                }
                return password
            }
        }
        return nil
    }

    private static func password(_ kind: Kind, _ path: String) async throws(AccountKeyError) -> SecretBytes? {
        switch kind {
        case .password(let password): return password
        case .file(let file, let protection):
            return try await PasswordWork.shared.run { () throws(AccountKeyError) in
                try firstLine(of: file, protection)
            }
        case .environment(let variables):
            return try EnvironmentPassword.find(in: variables, keyfile: path)
        case .prompt(let ask):
            do {
                // Not the thread of the derivations: people take their time.
                return try await NIOThreadPool.singleton.runIfActive { try ask("Password for \(path): ") }
            } catch let error as AccountKeyError {
                throw error
            } catch {
                throw AccountKeyError(.passwordSource, "no password could be asked for", cause: error)
            }
        }
    }

    private static func firstLine(
        of path: String,
        _ protection: SecretFile.Protection
    ) throws(AccountKeyError) -> SecretBytes {
        let bytes: SecretBytes
        do throws(AccountKeyError) {
            bytes = try SecretFile.read(path, protection)
        } catch {
            guard error.code != .keyfileExposed else { throw error }
            throw AccountKeyError(.passwordSource, "the password file: \(error.message)", cause: error)
        }
        let count = bytes.withUnsafeBytes { bytes in
            bytes.firstIndex { $0 == 0x0a || $0 == 0x0d } ?? bytes.count
        }
        guard count > 0 else {
            throw AccountKeyError(.passwordSource, "the first line of \(path) is empty and no password")
        }
        return bytes.slice(0..<count)
    }
}
