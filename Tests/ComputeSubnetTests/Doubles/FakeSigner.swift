import AccountKeys
import BittensorCore

@testable import ComputeSubnet

/// A signer whose key may be locked.
struct FakeSigner: HotkeySigner {
    var hotkey: String
    var scheme: KeyScheme { .sr25519 }
    var isLocked = false

    func signature(of message: [UInt8]) throws -> [UInt8] {
        if self.isLocked { throw ComputeError(.notPermitted, "The key is locked.") }
        return [UInt8](repeating: 1, count: 64)
    }
}
