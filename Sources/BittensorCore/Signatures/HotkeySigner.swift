public import AccountKeys

/// A hotkey that signs. `Keypair` is one; a key held elsewhere can be one too.
public protocol HotkeySigner: Sendable {
    /// SS58 address of the hotkey.
    var hotkey: String { get }
    /// How it signs; the classic headers only know sr25519.
    var scheme: KeyScheme { get }
    /// The signature over a message.
    func signature(of message: [UInt8]) throws -> [UInt8]
}

extension Keypair: HotkeySigner {
    public var hotkey: String { self.ss58Address }
    public func signature(of message: [UInt8]) throws -> [UInt8] { try self.sign(message) }
}

extension HotkeySigner {
    /// The signature over a text as the wires carry it.
    ///
    /// - Throws: ``BittensorError/Code/signing``.
    func signatureText(of message: String) throws(BittensorError) -> String {
        do {
            return SignatureText.encode(try self.signature(of: Array(message.utf8)))
        } catch {
            throw BittensorError(.signing, "the hotkey \(self.hotkey) did not sign", cause: error)
        }
    }
}
