internal import Crypto

/// What a request for a lease amounts to, decided without looking at the engine: everything about it that can
/// be refused for its own sake is refused here.
struct LeaseTerms: Sendable, Hashable {
    var userKey: SSHPublicKey
    var terminalKey: SSHPublicKey?
    var imageReference: String
    var volumePath: String?

    /// Folders below which a volume may appear. What the system in the image needs is not among them.
    private static let volumeFolders: Set<Substring> = [
        "tmp", "data", "workspace", "mnt", "srv", "opt", "home",
    ]
    private static let pathBytesMax = 128

    /// - Throws: `unsupported` for build instructions, images that are not listed and folders that are not
    ///   permitted; `malformedRequest` for keys.
    init(
        _ docker: DockerRequirement, profile: ComputeProfile, images: ImageAllowList
    ) throws(ComputeError) {
        guard docker.dockerfile.allSatisfy(\.isWhitespace) else {
            throw ComputeError(.unsupported, "dockerfile: this miner does not build images from requests.")
        }
        let keys = try SSHPublicKey.pair(docker.sshKey)
        (userKey, terminalKey) = (keys.user, keys.terminal)
        if profile == .ni183 {
            // Release 1.8.3 reads both and heeds neither.
            imageReference = images.standardReference
            volumePath = "/tmp"
        } else {
            imageReference = try images.reference(docker.baseImage)
            volumePath = try Self.checked(docker.volumePath)
        }
    }

    private static func checked(_ path: String) throws(ComputeError) -> String? {
        if path.isEmpty { return nil }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.dropFirst().allSatisfy { part in
            part.utf8.first != UInt8(ascii: ".") && !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                        UInt8(ascii: "."):
                        true
                    default: false
                    }
                }
        }
        guard path.utf8.count <= pathBytesMax, parts.count >= 2, parts[0].isEmpty, isPlain,
            volumeFolders.contains(parts[1]), parts.count > 2 || parts[1] != "home",
            path != SSHServerFiles.home, !path.hasPrefix("\(SSHServerFiles.home)/")
        else {
            throw ComputeError(.unsupported, "volume_path: a volume cannot appear at that folder.")
        }
        return path
    }

    /// SHA-256 over the parts of a request, each with its length before it.
    static func digest(
        _ request: AllocateRequest, owner: String, duration: Duration, _ device: DeviceRequirement,
        _ docker: DockerRequirement
    ) -> String {
        var hash = SHA256()
        func add(_ text: String) {
            let bytes = Array(text.utf8)
            withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: bytes)
        }
        add(owner)
        add(request.publicKey)
        add("\(duration.components.seconds) \(device.cpuCount) \(device.ramBytes) \(device.hardDiskBytes)")
        add("\(device.gpu?.count ?? 0) \(device.gpu?.capacityMiB ?? 0) \(device.isTesting)")
        for text in [
            device.gpu?.type ?? "", docker.baseImage, docker.sshKey, "\(docker.sshPort)", docker.volumePath,
            docker.dockerfile,
        ] { add(text) }
        let digits = Array("0123456789abcdef")
        return String(hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
