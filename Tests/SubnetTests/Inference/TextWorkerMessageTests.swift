import SubnetServices
import SwiftProtobuf
import Testing

import struct Foundation.Data

/// `Workers/python/text_worker_tests.py` has the same bytes.
@Suite("The messages of a text worker")
struct TextWorkerMessageTests {
    private func hexadecimal(_ message: some SwiftProtobuf.Message) throws -> String {
        let bytes: [UInt8] = try message.serializedBytes()
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func `the bytes of their page are what the Inference service writes`() throws {
        let info = InferenceInfoResponse.with {
            $0.model = "parrot"
            $0.fingerprint = "parrot-1"
            $0.contextTokens = 8192
            $0.concurrentCalls = 4
        }
        #expect(try hexadecimal(InferenceInfoRequest()) == "")
        #expect(try hexadecimal(info) == "0a06706172726f741208706172726f742d311880402004")
        let request = InferenceGenerateRequest.with {
            $0.prompt = "hi"
            $0.maxNewTokens = 300
            $0.temperature = 0.5
            $0.topK = 40
            $0.topP = 0.75
            $0.seed = .max
            $0.generatedTokens = [7, 300]
        }
        let bytes = "0a02686910ac021d0000003f20282d0000403f30ffffffffffffffffff013a0307ac02"
        #expect(try hexadecimal(request) == bytes)
        let first = InferenceGenerateResponse.with {
            $0.token = 104
            $0.text = Data([0x68])
        }
        #expect(try hexadecimal(first) == "10681a0168")
        let part = InferenceGenerateResponse.with {
            $0.index = 2
            $0.token = 195
            $0.text = Data([0xc3])
        }
        #expect(try hexadecimal(part) == "080210c3011a01c3")
        let last = InferenceGenerateResponse.with {
            $0.index = 3
            $0.token = 256
            $0.finishReason = "stop"
        }
        #expect(try hexadecimal(last) == "0803108002220473746f70")
    }
}
