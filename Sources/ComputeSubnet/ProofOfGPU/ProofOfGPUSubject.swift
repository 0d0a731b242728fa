internal import Crypto

/// Who proves which GPU to whom.
package struct ProofOfGPUSubject: Sendable, Hashable {
    /// SS58 address of the validator.
    package var validatorHotkey: String
    /// SS58 address of the miner.
    package var minerHotkey: String
    /// The GPU's UUID as the driver reports it, 16 bytes.
    package var gpuUUID: [UInt8]

    /// A subject.
    ///
    /// - Throws: `parameters` for a UUID that is not 16 bytes.
    package init(
        validatorHotkey: String, minerHotkey: String, gpuUUID: [UInt8]
    ) throws(ProofOfGPUError) {
        guard gpuUUID.count == 16 else {
            throw ProofOfGPUError(.parameters, "a GPU's UUID has 16 bytes, not \(gpuUUID.count)")
        }
        self.validatorHotkey = validatorHotkey
        self.minerHotkey = minerHotkey
        self.gpuUUID = gpuUUID
    }

    /// The bytes of `GPU-9a3d…`, with or without prefix and hyphens; nil when it is none.
    package static func uuid(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 64 else { return nil }
        let digits = (text.hasPrefix("GPU-") ? text.dropFirst(4) : text[...]).lowercased().filter {
            $0 != "-"
        }
        guard digits.utf8.count == 32 else { return nil }
        return Hexadecimal.decode(Array(digits.utf8))
    }

    /// The UUID as the driver writes it.
    package static func text(ofUUID bytes: [UInt8]) -> String {
        let digits = Array(Hexadecimal.encode(bytes))
        guard digits.count == 32 else { return "GPU-" + String(digits) }
        let groups = [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32]]
        return "GPU-" + groups.map { String($0) }.joined(separator: "-")
    }

    /// UUIDs that more than one miner claims: at most one of them can be telling the truth.
    package static func claimedTwice(_ claims: [(minerHotkey: String, gpuUUID: [UInt8])]) -> Set<[UInt8]> {
        var owners: [[UInt8]: Set<String>] = [:]
        for claim in claims { owners[claim.gpuUUID, default: []].insert(claim.minerHotkey) }
        return Set(owners.filter { $0.value.count > 1 }.keys)
    }

    static func digest(ofHotkey hotkey: String) -> [UInt8] {
        Array(SHA256.hash(data: Array("subnet hotkey".utf8) + Array(hotkey.utf8)))
    }
}
