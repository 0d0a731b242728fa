import Testing

@testable import ComputeSubnet

@Suite struct APITokensTests {
    private static let line = APITokens.line(name: "alice", scope: "lease", token: "correct horse")

    @Test func aTokenIsKnownByItsHash() throws {
        let tokens = try APITokens(
            text: "# who\n\n\(Self.line)\n" + APITokens.line(name: "root", scope: "admin", token: "r"))
        #expect(tokens.owner(of: "correct horse")?.name == "alice")
        #expect(tokens.owner(of: "correct horse")?.scope == .lease)
        #expect(tokens.owner(of: "r")?.scope == .admin)
        for wrong in ["", "correct", "correct horse ", "Correct horse"] {
            #expect(tokens.owner(of: wrong) == nil)
        }
        #expect(!Self.line.contains("horse"))
    }

    @Test(arguments: [
        "", "# nobody", "alice lease", "alice root \(String(repeating: "a", count: 64))",
        "alice lease \(String(repeating: "a", count: 63))",
        "alice lease \(String(repeating: "g", count: 64))",
        "alice lease \(String(repeating: "+1", count: 32))", "\(line)\n\(line)", "alice lease x y",
    ])
    func anythingElseIsRefused(_ text: String) {
        let error = #expect(throws: ComputeError.self) { try APITokens(text: text) }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func thereIsNoAPIWithoutAccessControl() throws {
        let tokens = try APITokens(text: Self.line)
        let open = APICertificates(chain: "c", key: "k", clientAuthority: nil)
        let mutual = APICertificates(chain: "c", key: "k", clientAuthority: "a")
        func make(_ host: String, _ certificates: APICertificates?, _ tokens: APITokens?) throws {
            _ = try APIConfiguration(host: host, port: 0, certificates: certificates, tokens: tokens)
        }
        #expect(throws: ComputeError.self) { try make("127.0.0.1", nil, nil) }
        #expect(throws: ComputeError.self) { try make("127.0.0.1", open, nil) }
        #expect(throws: ComputeError.self) { try make("0.0.0.0", nil, tokens) }
        try make("127.0.0.1", nil, tokens)
        try make("0.0.0.0", open, tokens)
        try make("0.0.0.0", mutual, nil)
        try make("0.0.0.0", mutual, tokens)
    }
}
