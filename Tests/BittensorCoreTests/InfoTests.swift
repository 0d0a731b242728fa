internal import Testing

@testable internal import BittensorCore

@Suite struct InfoTests {
    @Test(arguments: try Vectors.cases("axon_info", "ips")) func addresses(vector: JSONValue) throws {
        let text = try #require(vector["ip"]?.stringValue)
        let address = try #require(IPAddress(text))
        #expect(String(address.value) == vector["int"]?.stringValue)
        #expect(Int(address.family) == vector["version"]?.intValue)
        #expect(address.text(port: 8091) == vector["ip_str"]?.stringValue)
        #expect(IPAddress(value: address.value, family: address.family) == address)
    }

    @Test(arguments: [
        "", "1.2.3", "256.1.1.1", "1.2.3.4.5", "::g", "1.2.3.4\0", "host", String(repeating: "1", count: 99),
    ])
    func noAddresses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func familyDecidesNotTheNumber() {
        #expect(IPAddress(value: 1, family: 6)?.text == "::1")
        #expect(IPAddress(value: 1, family: 4)?.text == "0.0.0.1")
        #expect(IPAddress(value: 1 << 32, family: 4) == nil)
        #expect(IPAddress(value: 1, family: 5) == nil)
    }

    @Test func axonInfo() throws {
        let vector = try Vectors.load("axon_info")
        let text = try #require(vector["axon_info_to_string"]?.stringValue)
        let info = AxonInfo(text: text)
        #expect(info.text == text)
        #expect(info.description == vector["axon_info_str"]?.stringValue)
        #expect(AxonInfo(text: "no JSON").description == vector["from_string_bad"]?.stringValue)
        #expect(AxonInfo(text: #"{"port":"x"}"#) == .none)
        var other = info
        other.placeholder1 = 1
        other.protocolNumber = 5
        #expect(other == info)
        other.ip = "0.0.0.0"
        #expect(other != info && !other.isServing && info.isServing)
    }

    @Test func versions() throws {
        let vector = try #require(try Vectors.load("axon_info")["version_as_int"])
        for text in ["9.12.2", "10.5.0"] {
            #expect(BittensorVersion.sdkInt(text) == vector[text]?.intValue)
        }
        for vector in try Vectors.cases("ni_version_as_int", "cases") {
            #expect(vector["in"]?.stringValue.flatMap(BittensorVersion.computeInt) == vector["out"]?.intValue)
        }
    }
}
