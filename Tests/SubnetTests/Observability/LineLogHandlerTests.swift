import Foundation
import Logging
import Synchronization
import Testing

@testable import Subnet

@Suite("The log handler")
struct LineLogHandlerTests {
    /// Keeps what was written.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func append(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    private func logger(
        _ lines: Lines, format: LogConfiguration.Format = .text, provider: Logger.MetadataProvider? = nil
    ) -> Logger {
        Logger(label: "test") { _ in
            LineLogHandler(
                label: "test", level: .debug, format: format, metadataProvider: provider,
                now: { Date(timeIntervalSince1970: 1_700_000_000.25) }, output: lines.append)
        }
    }

    @Test func `writes time, level, label, message and sorted metadata on one line`() {
        let lines = Lines()
        var logger = logger(lines)
        logger[metadataKey: LogKeys.peer] = "12D3"
        logger.info("connected", metadata: [LogKeys.address: "/ip4/127.0.0.1", LogKeys.error: "a \"b\" c"])
        #expect(
            lines.all == [
                """
                2023-11-14T22:13:20.250Z INFO test: connected subnet.address=/ip4/127.0.0.1 \
                subnet.error="a \\"b\\" c" subnet.peer=12D3\n
                """
            ])
    }

    @Test func `writes JSON objects that parse`() throws {
        let lines = Lines()
        logger(lines, format: .json).warning(
            "a\"b\\c\nd\u{1}e", metadata: [LogKeys.call: .stringConvertible(7)])
        let line = try #require(lines.all.first)
        #expect(line.filter { $0 == "\n" }.count == 1)
        let object = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        #expect(
            object == [
                "time": "2023-11-14T22:13:20.250Z", "level": "warning", "label": "test",
                "message": "a\"b\\c\nd\u{1}e",
                "subnet.call": "7",
            ])
    }

    @Test func `keeps what peers sent from steering the terminal or starting a line`() {
        let lines = Lines()
        logger(lines).info("x\ny\u{1B}[31m\u{202E}", metadata: [LogKeys.error: "a\r\nINFO fake"])
        #expect(lines.all.count == 1)
        #expect(lines.all[0].unicodeScalars.filter { $0.value < 0x20 }.count == 1)
        #expect(lines.all[0].contains("x\\ny\\u{1b}[31m\\u{202e}"))
    }

    @Test func `cuts what is too long`() {
        let lines = Lines()
        logger(lines).info("\(String(repeating: "x", count: 100_000))")
        #expect(lines.all[0].utf8.count < 5000)
        #expect(lines.all[0].hasSuffix("…\n"))
    }

    @Test func `heeds the level`() {
        let lines = Lines()
        let logger = logger(lines)
        logger.trace("no")
        logger.debug("yes")
        #expect(lines.all.count == 1)
    }

    @Test func `the entry wins over the provider, and the provider over the logger`() {
        let lines = Lines()
        var logger = logger(lines, provider: .init { ["a": "provider", "b": "provider"] })
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "c"] = "logger"
        logger.info("m", metadata: ["b": "entry"])
        #expect(lines.all[0].hasSuffix("m a=provider b=entry c=logger\n"))
    }
}
