import Foundation
import Testing

@testable import Subnet

@Suite("The page about the configuration")
struct ConfigurationDocumentTests {
    @Test func `docs/CONFIGURATION.md is what the schema says`() throws {
        let page = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/CONFIGURATION.md")
        let wanted = ConfigurationDocument.markdown()
        if ProcessInfo.processInfo.environment["SUBNET_UPDATE_DOCS"] != nil {
            try Data(wanted.utf8).write(to: page)
        }
        let present = try String(contentsOf: page, encoding: .utf8)
        #expect(
            present == wanted,
            "run: SUBNET_UPDATE_DOCS=1 swift test --filter ConfigurationDocument")
    }

    @Test func `every key and section is on the page`() {
        let page = ConfigurationDocument.markdown()
        for key in ConfigurationSchema.keys { #expect(page.contains("| `\(key.path)` |")) }
    }
}
