import Foundation
import Testing

struct ThreatModelTests {
    /// The checkout that this file was compiled in.
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test func `every test that the threat model names exists`() throws {
        let page = try String(contentsOf: Self.root.appending(path: "docs/THREAT_MODEL.md"), encoding: .utf8)
        var sources = ""
        let tests = Self.root.appending(path: "Tests")
        for path in try FileManager.default.subpathsOfDirectory(atPath: tests.path)
        where path.hasSuffix(".swift") {
            sources += try String(contentsOf: tests.appending(path: path), encoding: .utf8)
        }
        var named = 0
        for row in page.split(separator: "\n") where row.hasPrefix("| ") {
            guard let last = row.split(separator: "|").last(where: { !$0.allSatisfy(\.isWhitespace) }) else {
                continue
            }
            let parts = last.split(separator: "`", omittingEmptySubsequences: false)
            for name in parts.enumerated().filter({ $0.offset % 2 == 1 }).map(\.element) {
                named += 1
                let exists = sources.contains("`\(name)`(") || sources.contains("@Test(\"\(name)\"")
                #expect(exists, "no test is called \(name)")
            }
        }
        #expect(named > 50)
    }
}
