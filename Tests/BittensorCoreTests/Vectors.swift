internal import Foundation
internal import NIOCore
internal import Testing

@testable internal import BittensorCore

/// The vectors of Fixtures, read with our own JSON.
enum Vectors {
    static func load(_ name: String) throws -> JSONValue {
        let url = try #require(
            Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"), "no fixture \(name)")
        let limits = JSONLimits(bytesMax: 4 << 20, depthMax: 64, valuesMax: 1_000_000)
        return try JSONValue(parsing: ByteBuffer(bytes: Data(contentsOf: url)), limits: limits)
    }

    static func cases(_ file: String, _ member: String) throws -> [JSONValue] {
        try #require(try self.load(file)[member]?.arrayValue)
    }
}

/// One HTTP message of a capture, as its bytes say.
struct CapturedMessage: Sendable {
    var startLine: String
    var headers: HeaderList
    var body: ByteBuffer

    init?(base64: String) {
        guard let data = Data(base64Encoded: base64), !data.isEmpty else { return nil }
        let bytes = Array(data)
        let blank = Array("\r\n\r\n".utf8)
        guard let end = bytes.firstRange(of: blank) else { return nil }
        let lines = HeaderList.latin1(bytes[..<end.lowerBound]).components(separatedBy: "\r\n")
        self.startLine = lines[0]
        self.headers = HeaderList(
            lines.dropFirst().map { line in
                let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                return HeaderField(String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
            })
        self.body = ByteBuffer(bytes: bytes[end.upperBound...])
    }

    var method: String { self.startLine.split(separator: " ").first.map(String.init) ?? "" }
    var target: String { String(self.startLine.split(separator: " ")[1]) }
    var status: Int { Int(self.startLine.split(separator: " ")[1]) ?? 0 }
    var text: String { String(buffer: self.body) }
}

/// One exchange of a capture.
struct CapturedExchange: Sendable, CustomTestStringConvertible {
    let name: String
    let note: String
    let request: CapturedMessage?
    let response: CapturedMessage?
    let dendriteResult: JSONValue?
    var testDescription: String { self.name }

    init(_ json: JSONValue) {
        self.name = json["name"]?.stringValue ?? ""
        self.note = json["note"]?.stringValue ?? ""
        self.request = json["request"]?["raw_b64"]?.stringValue.flatMap(CapturedMessage.init(base64:))
        self.response = json["response"]?["raw_b64"]?.stringValue.flatMap(CapturedMessage.init(base64:))
        self.dendriteResult = json["dendrite_result"]
    }

    var isFromDendrite: Bool { !self.name.hasPrefix("raw_") }

    /// All exchanges of a version of the SDK.
    static func all(_ version: String) throws -> [CapturedExchange] {
        try Vectors.cases("http_capture_v\(version)", "records").map(CapturedExchange.init)
    }
}
