internal import NIOCore
internal import Testing

@testable internal import BittensorCore

/// What somebody between client and server can change in a request with classic headers: the closed list of
/// docs/protocols/bittensor-strict.md. Each change goes through strict, since the signature does not cover
/// it, and each is refused under `btauth/1`.
enum Unprotected: String, CaseIterable {
    case body = "fields that no required hash field covers"
    case allOfTheBody = "the whole body of a synapse without required hash fields"
    case timeout = "timeout"
    case route = "the route"
    case query = "the query"
    case version = "the client's version"
    case address = "the client's stated address, and the server's"
    case inputs = "empty values, sizes and name"

    var original: any Synapse {
        switch self {
        case .allOfTheBody: Allocate(dockerRequirement: [:], dockerAction: [:])
        case .body: Hashed(prompt: "covered", answer: "open")
        default: Echo(message: "x")
        }
    }

    func change(_ request: inout SignedRequest) {
        switch self {
        case .body: request.replaceInBody("open", "changed")
        case .allOfTheBody: request.replaceInBody("\"checking\": true", "\"checking\": false")
        case .timeout:
            request.set("timeout", "1.0")
            request.replaceInBody("\"timeout\": 12.0", "\"timeout\": 1.0")
        case .route: request.head.target = "/Specs"
        case .query: request.head.target += "?x=1"
        case .version:
            request.set("bt_header_dendrite_version", "1")
            request.replaceInBody("\"version\": 10005000", "\"version\": 1")
        case .address:
            request.set("bt_header_dendrite_ip", "203.0.113.9")
            request.set("bt_header_axon_ip", "203.0.113.9")
            request.replaceInBody("198.51.100.10", "203.0.113.9")
        case .inputs:
            request.set("total_size", "1")
            request.set("name", "Other")
            request.replaceInBody("\"total_size\": 0", "\"total_size\": 1")
        }
    }
}

@Suite struct UnprotectedTests {
    static func outcome(_ item: Unprotected, _ kind: DendriteAuthentication, changed: Bool) async throws
        -> Int
    {
        let server = try TestServer(
            routes: [
                AxonRoute(schema: Echo.schema), AxonRoute(schema: Specs.schema),
                AxonRoute(schema: Hashed.schema),
                AxonRoute(schema: Allocate.schema),
            ])
        func sign<S: Synapse>(_ synapse: S) throws -> SignedRequest {
            try SignedRequest(synapse, authentication: kind)
        }
        var request = try sign(item.original)
        if changed { item.change(&request) }
        return await server.serve(request.head, body: request.body, at: .test).status
    }

    @Test(arguments: Unprotected.allCases) func classicHeadersDoNotProtect(item: Unprotected) async throws {
        #expect(try await Self.outcome(item, .synapse, changed: false) == 200)
        #expect(try await Self.outcome(item, .synapse, changed: true) == 200)
    }

    @Test(arguments: Unprotected.allCases) func btauthProtects(item: Unprotected) async throws {
        #expect(try await Self.outcome(item, .btauth1, changed: false) == 200)
        #expect(try await Self.outcome(item, .btauth1, changed: true) == 401)
    }

    @Test func thePageHasTheWholeList() throws {
        let page = try ReplayTests.page()
        let start = try #require(page.firstRange(of: "<!-- unprotected: begin -->\n"))
        let end = try #require(page.firstRange(of: "<!-- unprotected: end -->"))
        let items = page[start.upperBound..<end.lowerBound].split(separator: "\n").map(String.init)
        #expect(items.count == Unprotected.allCases.count)
        for (line, item) in zip(items, Unprotected.allCases) {
            #expect(line.hasPrefix("* **\(item.rawValue)**"))
        }
    }
}
