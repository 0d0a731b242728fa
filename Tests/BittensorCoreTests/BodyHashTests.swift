internal import NIOCore
internal import Testing

@testable internal import BittensorCore

@Suite struct BodyHashTests {
    @Test(arguments: try Vectors.cases("body_hash", "single_field"))
    func singleField(vector: JSONValue) throws {
        let text = try #require(vector["value_json"]?.stringValue)
        let value = try JSONValue(parsing: text)
        #expect(PythonText.str(value) == vector["python_str"]?.stringValue)
        #expect(BodyHash.digest(PythonText.str(value)) == vector["field_sha3_256"]?.stringValue)
        #expect(BodyHash.hex(of: [value]) == vector["body_hash"]?.stringValue)
    }

    @Test(arguments: try Vectors.cases("body_hash", "multi_field"))
    func manyFields(vector: JSONValue) throws {
        let text = try #require(vector["fields_json"]?.stringValue)
        let fields = try JSONValue(parsing: text)
        let names = try #require(vector["required_hash_fields"]?.arrayValue).compactMap(\.stringValue)
        let schema = SynapseSchema(
            name: "M", fields: [.required("a", .any), .required("b", .any)], requiredHashFields: names)
        let synapse = try AnySynapse(json: fields, schema: schema)
        #expect(synapse.bodyHash(schema) == vector["body_hash"]?.stringValue)
    }

    @Test func specialCases() throws {
        let special = try Vectors.cases("body_hash", "special").map { $0["body_hash"]?.stringValue }
        #expect(BodyHash.empty == special[0])
        #expect(BodyHash.empty == (try Vectors.load("ni_body_hash"))["sha3_256_empty"]?.stringValue)
        let named = SynapseSchema(name: "HN", fields: [], requiredHashFields: ["name", "timeout"])
        #expect(try AnySynapse(json: [:], schema: named).bodyHash(named) == special[1])
        let tensor = try Tensor([1, 2, 3] as [Int64], shape: [3])
        let holder = SynapseSchema(name: "T", fields: [.required("t", .tensor)], requiredHashFields: ["t"])
        #expect(try AnySynapse(json: ["t": tensor.json], schema: holder).bodyHash(holder) == special[2])
    }

    @Test func hashesTheValueOfTheDeclaredType() throws {
        // The vector's class has a float given 2 and a whole number 3.
        let schema = SynapseSchema(
            name: "F", fields: [.required("x", .float), .required("n", .int)], requiredHashFields: ["x", "n"])
        let expected = try Vectors.cases("body_hash", "special")[4]["body_hash"]?.stringValue
        for given: JSONValue in [2, 2.0, "2"] {
            #expect(
                try AnySynapse(json: ["x": given, "n": "3"], schema: schema).bodyHash(schema) == expected)
        }
    }

    @Test(arguments: try Vectors.cases("body_hash", "get_hash_plain"))
    func plain(vector: JSONValue) throws {
        let text = try #require(vector["text"]?.stringValue)
        #expect(BodyHash.digest(text) == vector["sha3_256"]?.stringValue)
    }

    @Test(
        arguments: [
            (.leastNonzeroMagnitude, "5e-324"), (0.0001, "0.0001"), (0.00012345, "0.00012345"),
            (1e16, "1e+16"), (1e15, "1000000000000000.0"),
            (9_007_199_254_740_992, "9007199254740992.0"), (12_345_678_901_234_568, "1.2345678901234568e+16"),
            (.greatestFiniteMagnitude, "1.7976931348623157e+308"), (123.456, "123.456"), (1e-7, "1e-07"),
            (-0.0, "-0.0"),
            (1e100, "1e+100"), (4.458427429199219e-05, "4.458427429199219e-05"), (.nan, "nan"),
            (-.infinity, "-inf"),
        ] as [(Double, String)]) func floats(number: Double, text: String)
    {
        #expect(PythonText.float(number) == text)
    }
}
