#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Passwords in variables of the environment, as Bittensor's wallet leaves them for programs.
///
/// The value is veiled, not protected: base64 of the password combined by exclusive or with the variable's
/// own name.
public enum EnvironmentPassword {
    private static let plainName = "BT_WALLET_PASSWORD"

    /// The variable of the keyfile at `path`: `BT_PW_`, and the path in capitals with `_` for `/` and `.`.
    public static func variable(forKeyfile path: String) -> String {
        "BT_PW_" + String(path.map { $0 == "/" || $0 == "." ? "_" : $0 }).uppercased()
    }

    /// The value that holds `password` in the variable `name`.
    public static func value(_ password: String, variable name: String) -> String {
        let bytes = Data(zip(password.utf8, repeating(name)).map { $0 ^ $1 })
        return bytes.base64EncodedString()
    }

    static func find(
        in variables: [String: String],
        keyfile path: String
    ) throws(AccountKeyError) -> SecretBytes? {
        let name = variable(forKeyfile: path)
        if let value = variables[name] {
            guard value.utf8.count <= 2 * AccountKeyLimits.passwordBytesMax,
                let veiled = Data(base64Encoded: value), !veiled.isEmpty
            else { throw AccountKeyError(.passwordSource, "the variable \(name) holds no veiled password") }
            return SecretBytes(zip(veiled, repeating(name)).map { $0 ^ $1 })
        }
        return variables[plainName].flatMap { $0.isEmpty ? nil : SecretBytes(Array($0.utf8)) }
    }

    private static func repeating(_ name: String) -> some Sequence<UInt8> {
        let bytes = Array(name.utf8)
        return (0..<AccountKeyLimits.passwordBytesMax * 2).lazy.map { bytes[$0 % bytes.count] }
    }
}
