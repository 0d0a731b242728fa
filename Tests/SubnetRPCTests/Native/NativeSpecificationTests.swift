import Foundation
import Testing

@Suite("Specification of the native wire")
struct NativeSpecificationTests {
    /// The hex blocks of the page, each as its bytes in text.
    static func examples() throws -> [String] {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        for _ in 0..<4 { folder.deleteLastPathComponent() }
        let page = try String(
            contentsOf: folder.appendingPathComponent("docs/protocols/native-rpc.md"), encoding: .utf8)
        return page.components(separatedBy: "```hex\n").dropFirst().map { block in
            let lines = block.components(separatedBy: "\n```")[0].split(separator: "\n")
            return lines.map { line in
                line.split(separator: " ").prefix { $0.count == 2 && UInt8($0, radix: 16) != nil }
                    .joined(separator: " ")
            }.joined(separator: " ")
        }
    }

    @Test("the page prints the examples that the codec is tested with, in this order")
    func examplesOfThePage() throws {
        let examples = try Self.examples()
        #expect(
            examples == [
                NativeCodecTests.unaryRequest, NativeCodecTests.unaryResponse, NativeCodecTests.fullRequest,
                NativeCodecTests.busyStatus, "01 04",
            ])
    }
}
