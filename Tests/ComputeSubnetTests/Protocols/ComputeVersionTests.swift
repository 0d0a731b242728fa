import ComputeSubnet
import Foundation
import Testing

@Suite struct ComputeVersionTests {
    private struct Vectors: Decodable {
        struct Case: Decodable {
            let `in`: String?
            let out: Int?
        }
        let cases: [Case]
    }

    @Test func everyVectorGivesItsInt() throws {
        let url = try #require(
            Bundle.module.url(forResource: "version_as_int", withExtension: "json", subdirectory: "Fixtures"))
        let vectors = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: url))
        #expect(vectors.cases.count >= 12)
        for vector in vectors.cases {
            #expect(ComputeVersion.int(of: vector.in) == vector.out, "\(vector.in ?? "nil")")
        }
        #expect(ComputeVersion.int(of: ComputeVersion.text) == ComputeVersion.int)
    }

    @Test func textsThatCollideAsIntsDiffer() {
        #expect(ComputeVersion.isOlder("1.10.0", than: "2.0.0") == true)
        #expect(ComputeVersion.isOlder("1.9.10", than: "1.10.0") == true)
        #expect(ComputeVersion.isOlder("2.0.0", than: "2.0.0") == false)
        #expect(ComputeVersion.isOlder("new", than: "2.0.0") == nil)
    }

    @Test(arguments: [
        "4294967295.0.0", "99999999999.1.1", "1.-1.0", "1.٣.0", String(repeating: "1", count: 80),
    ])
    func hostileTextIsNoVersion(_ text: String) {
        #expect(ComputeVersion.int(of: text) == nil)
    }
}
