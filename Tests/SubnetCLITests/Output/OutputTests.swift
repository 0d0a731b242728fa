import Foundation
import LibP2PIdentity
import Testing

@testable import SubnetCLI

@Suite("Output of commands")
struct OutputTests {
    private func peer() throws -> PeerID {
        try PeerID("12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp")
    }

    @Test(arguments: [
        (0.2149, 2, "0.21"), (1.999, 2, "2.00"), (10, 0, "10"), (-0.004, 2, "0.00"), (-1.5, 1, "-1.5"),
        (0.05, 1, "0.1"),
    ])
    func `figures are rounded`(value: Double, decimals: Int, text: String) {
        #expect(Figures.rounded(value, decimals) == text)
    }

    @Test func `figures have units`() {
        #expect(Figures.milliseconds(0.214) == "0.21 ms")
        #expect(Figures.milliseconds(153.4) == "153 ms")
        #expect(Figures.milliseconds(2500) == "2.50 s")
        #expect(Figures.bytes(512) == "512 B")
        #expect(Figures.bytes(65536) == "64.0 KiB")
        #expect(Figures.bytes(1.5 * 1024 * 1024 * 1024) == "1.5 GiB")
        #expect(Duration.microseconds(1500).milliseconds == 1.5)
    }

    @Test func `a sentence is one line with a full stop`() {
        #expect(Sentence.oneLine("a\n  b") == "a b.")
        #expect(Sentence.oneLine("a?") == "a?")
        #expect(CommandFailure("x\ny").message == "x y.")
    }

    @Test func `the answer of a task has the documented keys`() throws {
        let report = TaskCallReport(
            isAccepted: true, result: Array("hi".utf8), error: "", peer: try peer(), elapsed: .milliseconds(3)
        )
        #expect(
            try JSONLine.text(TaskCallLine(report)) == """
                {"accepted":true,"error":"","milliseconds":3,"peer":"\(try peer())",\
                "result_base64":"aGk=","result_text":"hi"}
                """)
        var binary = report
        binary.result = [0xFF]
        #expect(try !JSONLine.text(TaskCallLine(binary)).contains("result_text"))
        #expect(try JSONLine.text(TaskCallLine(binary)).contains("\"result_base64\":\"/w==\""))
    }

    @Test func `tokens and the end of an answer are JSON lines`() throws {
        let token = InferToken(index: 2, tokenID: 7, text: "a\n")
        #expect(
            try JSONLine.text(InferTokenLine(token))
                == "{\"event\":\"token\",\"index\":2,\"text\":\"a\\n\",\"token_id\":7}")
        let report = InferReport(
            peer: try peer(), newTokens: 10, finishReason: "length", seed: 1,
            firstToken: .milliseconds(20), elapsed: .seconds(2))
        let text = try JSONLine.text(InferReportLine(report))
        #expect(!text.contains("\"text\""))
        var unfinished = report
        unfinished.rest = "\u{FFFD}"
        #expect(try JSONLine.text(InferReportLine(unfinished)).contains("\"text\":\"\u{FFFD}\""))
        #expect(text.contains("\"tokens_per_second\":5"))
        #expect(text.contains("\"first_token_milliseconds\":20"))
        #expect(InferReportLine.sentence(report).contains("first after 20 ms, 5.0 tokens/s, seed 1, length"))
    }

    @Test func `measurements have rates`() throws {
        let request = PerfRequest(
            target: try Multiaddr("/ip4/127.0.0.1/tcp/1"), uploadBytes: 1 << 20, downloadBytes: 0,
            timeout: .seconds(1),
            client: ClientIdentity(key: nil, timeout: .seconds(1)))
        let line = PerfLine(PerfReport(peer: try peer(), upload: .seconds(2), download: .zero), request)
        #expect(line.uploadBytesPerSecond == 524_288)
        #expect(line.downloadBytesPerSecond == 0)
        #expect(line.text == "Upload    1.0 MiB in 2.00 s, 512.0 KiB/s\nDownload  0 B in 0.00 ms, 0 B/s\n")
    }

    @Test func `texts of peers cannot steer the terminal`() throws {
        let report = IdentifyReport(
            peerId: "id", keyType: "ed25519", agentVersion: "a\u{1B}[2Jb\nPeer id     fake",
            protocolVersion: "p",
            listen: [], observed: nil, protocols: ["/a\u{9B}"], hasSignedRecord: false, security: "/noise",
            muxer: "/yamux/1.0.0")
        let text = IdentifyCommand.text(report)
        #expect(!text.contains("\u{1B}") && !text.contains("\u{9B}"))
        #expect(text.split(separator: "\n").count == 8)
        #expect(PeerText.printable("a\n\tb\r", keepsLines: true) == "a\n\tb\u{FFFD}")
    }

    @Test func `payloads are texts or files`() throws {
        #expect(try Payload.read("héllo") == Array("héllo".utf8))
        #expect(try Payload.read("") == [])
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "payload-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(repeating: 9, count: 200_000).write(to: file)
        #expect(try Payload.read("@\(file.path)") == Array(repeating: 9, count: 200_000))
    }

    @Test func `the times of pings are summed up`() {
        var times = PingTimes()
        for time in [3.0, 1, 2] { times.add(time) }
        #expect(times.count == 3 && times.minimum == 1 && times.mean == 2 && times.maximum == 3)
    }
}
