internal import AccountKeys
internal import Foundation
internal import NIOCore

/// Signed echo requests of a classic Bittensor client, made before a round so that signing is no part of it.
struct SignedEcho {
    /// The keys of the benchmark, which `Interop/bittensor_peer.py` has too.
    static let axonPhrase = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    static let callerPhrase =
        "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
    /// The hash of a body without declared hash fields.
    static let bodyHash = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"

    static func keys(_ phrase: String) throws -> Keypair { try Keypair(mnemonic: Mnemonic(phrase: phrase)) }

    private let caller: Keypair
    private let axon: String
    private let port: Int

    init(to port: Int) throws {
        self.caller = try Self.keys(Self.callerPhrase)
        self.axon = try Self.keys(Self.axonPhrase).ss58Address
        self.port = port
    }

    /// Requests of one connection: nonces grow, as a Python axon demands of one uuid.
    func requests(_ count: Int) throws -> [ByteBuffer] {
        let uuid = UUID().uuidString.lowercased()
        let now = UInt64(Date().timeIntervalSince1970 * 1e9)
        return try (0..<count).map { try self.request(nonce: now + UInt64($0), uuid) }
    }

    private func request(nonce: UInt64, _ uuid: String) throws -> ByteBuffer {
        let address = self.caller.ss58Address
        let message = "\(nonce).\(address).\(self.axon).\(uuid).\(Self.bodyHash)"
        let signature = SignatureText.encode(try self.caller.sign(Array(message.utf8)))
        let nobody = #""status_code": null, "status_message": null, "process_time": null"#
        let body =
            #"{"name": "Echo", "timeout": 12.0, "total_size": 3139, "header_size": 0, "#
            + #""dendrite": {\#(nobody), "ip": "198.51.100.10", "port": null, "version": 10005000, "#
            + #""nonce": \#(nonce), "uuid": "\#(uuid)", "hotkey": "\#(address)", "#
            + #""signature": "\#(signature)"}, "axon": {\#(nobody), "ip": "127.0.0.1", "#
            + #""port": \#(self.port), "version": null, "nonce": null, "uuid": null, "#
            + #""hotkey": "\#(self.axon)", "signature": null}, "computed_body_hash": "", "#
            + #""message": "hello", "count": 1, "reply": null}"#
        let head = [
            "POST /Echo HTTP/1.1", "Host: 127.0.0.1:\(self.port)", "name: Echo", "timeout: 12.0",
            "bt_header_axon_ip: 127.0.0.1", "bt_header_axon_port: \(self.port)",
            "bt_header_axon_hotkey: \(self.axon)", "bt_header_dendrite_ip: 198.51.100.10",
            "bt_header_dendrite_version: 10005000", "bt_header_dendrite_nonce: \(nonce)",
            "bt_header_dendrite_uuid: \(uuid)", "bt_header_dendrite_hotkey: \(address)",
            "bt_header_dendrite_signature: \(signature)", "bt_header_input_obj_message: IiI=",
            "header_size: 464", "total_size: 3139", "computed_body_hash: \(Self.bodyHash)", "Accept: */*",
            "Accept-Encoding: gzip, deflate", "User-Agent: subnet-bench",
            "Content-Length: \(body.utf8.count)", "Content-Type: application/json", "", "",
        ].joined(separator: "\r\n")
        return ByteBuffer(string: head + body)
    }
}
