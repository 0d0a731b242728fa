internal import NIOCore
internal import Testing

@testable internal import BittensorCore

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"b":1,"a":[1,2.0,true,null,"x"],"":{}}"#, "[]", "{}", "0", "-1", "1.5", "1e-05", "1e+16", "\"\"",
        "18446744073709551617", "-9223372036854775809", #""☃😀 \"q\" \\ \n""#,
    ]) func keepsOrderAndKindOfNumbers(text: String) throws {
        #expect(try JSONValue(parsing: text).text(.compact) == text)
    }

    @Test func pythonStyleEscapesAllButASCII() throws {
        let value: JSONValue = [
            "k": ["h\u{e9} \u{2603} \u{1F600} \u{7F}\u{01}", 1, nil], "n": .double(.nan),
        ]
        #expect(
            try value.text(.python)
                == #"{"k": ["h\u00e9 \u2603 \ud83d\ude00 \u007f\u0001", 1, null], "n": NaN}"#)
        #expect(throws: JSONError.self) { try value.text(.compact) }
    }

    @Test func repeatedNamesKeepTheirPlaceAndTakeTheLaterValue() throws {
        #expect(try JSONValue(parsing: #"{"a":1,"b":2,"a":3}"#).text() == #"{"a":3,"b":2}"#)
    }

    @Test func manyMembersAreFoundByName() throws {
        let members = (0..<3000).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
        var object = try #require(try JSONValue(parsing: "{\(members)}").objectValue)
        #expect(object.count == 3000)
        #expect(object["m2999"] == 2999)
        object["m0"] = nil
        #expect(object["m1"] == 1)
        #expect(object["m0"] == nil)
        #expect(object.names.first == "m1")
    }

    @Test func readsPythonsTokens() throws {
        #expect(try JSONValue(parsing: "[NaN]")[0]?.isNaN == true)
        #expect(try JSONValue(parsing: "[Infinity,-Infinity]") == [.double(.infinity), .double(-.infinity)])
    }

    @Test(arguments: [
        ("{not json", "Expecting property name enclosed in double quotes", 1), ("", "Expecting value", 0),
        ("[1,]", "Expecting value", 3), ("[1 2]", "Expecting ',' delimiter", 3),
        (#"{"a" 1}"#, "Expecting ':' delimiter", 5), ("01", "Extra data", 1), ("-", "Expecting value", 0),
        (#""é"#, "Unterminated string starting at", 0), ("\"\n\"", "Invalid control character at", 1),
        (#""é\x""#, "Invalid \\escape", 2), (#""\u00g0""#, "Invalid \\uXXXX escape", 2),
        ("nul", "Expecting value", 0), ("[1", "Expecting ',' delimiter", 2), ("1.", "Extra data", 1),
    ]) func saysWhatPythonSays(text: String, message: String, offset: Int) throws {
        let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error.message == message)
        #expect(error.offset == offset)
        #expect(error.code == .syntax)
    }

    @Test func boundsDepthValuesNumbersAndBytes() throws {
        func refused(_ text: String, _ limits: JSONLimits = .init()) throws -> JSONError.Code {
            try #require(throws: JSONError.self) { try JSONValue(parsing: text, limits: limits) }.code
        }
        let deep = String(repeating: "[", count: 100_000)
        #expect(try refused(deep) == .limit)
        #expect(try refused(String(repeating: #"{"a":"#, count: 1000)) == .limit)
        let nested = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: Never.self) { try JSONValue(parsing: nested) }
        #expect(try refused("[\(nested)]") == .limit)
        #expect(try refused("[1,2,3]", JSONLimits(valuesMax: 3)) == .limit)
        #expect(try refused(#"{"a":1}"#, JSONLimits(valuesMax: 2)) == .limit)
        #expect(try refused(String(repeating: "9", count: 2000)) == .limit)
        #expect(try refused("[   ]", JSONLimits(bytesMax: 4)) == .limit)
    }

    @Test func refusesWhatIsNoText() throws {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
        ] {
            let error = try #require(throws: JSONError.self) {
                try JSONValue(parsing: ByteBuffer(bytes: bytes))
            }
            #expect(error.code == .encoding)
        }
        let half = try #require(throws: JSONError.self) { try JSONValue(parsing: #""\ud83d""#) }
        #expect(half.code == .encoding)
        #expect(try JSONValue(parsing: #""\ud83d\ude00""#) == "\u{1F600}")
    }

    @Test func codableKeepsOrderAndIsLax() throws {
        struct Inner: Codable, Equatable {
            var zeta = 1
            var alpha: Double = 2
            var list: [UInt8] = [1, 2]
            var maybe: String?
            var big = UInt64.max
            var any: JSONValue = ["k": 1.0]
            var names = ["x": true]
        }
        let value = try JSONValue(encoding: Inner())
        #expect(
            try value.text()
                == #"{"zeta":1,"alpha":2.0,"list":[1,2],"big":18446744073709551615,"#
                + #""any":{"k":1.0},"names":{"x":true}}"#
        )
        #expect(try value.decoded(as: Inner.self) == Inner())
        let lax: JSONValue = [
            "zeta": " +4_2 ", "alpha": 2, "list": ["7"], "maybe": nil, "big": "1", "any": [],
            "names": ["x": "yes"],
            "unknown": 1,
        ]
        let read = try lax.decoded(as: Inner.self)
        #expect(read.zeta == 42 && read.alpha == 2 && read.list == [7] && read.names == ["x": true])
        let error = try #require(throws: BittensorError.self) {
            try JSONValue.object(["zeta": 1, "alpha": 1, "list": [300]]).decoded(as: Inner.self)
        }
        #expect(error.message.contains("list.0"))
    }

    @Test(
        arguments: [
            ("42", 42), ("-7", -7), ("+7", 7), (" 1_000 ", 1000), ("007", 7), ("1__0", nil), ("_1", nil),
            ("1_", nil),
            ("", nil), ("-", nil), ("1.0", nil), ("0x10", nil), ("\u{661}", nil),
            ("99999999999999999999", nil),
        ] as [(String, Int?)]) func pythonInt(text: String, expected: Int?)
    {
        #expect(PythonNumber.int(text) == expected)
    }

    @Test(
        arguments: [
            ("12.0", 12), ("1e3", 1000), (".5", 0.5), ("5.", 5), ("5.e1", 50), (" 1_0.5 ", 10.5),
            ("-inf", -.infinity),
            ("0x1p3", nil), ("1e", nil), ("abc", nil), ("", nil), (".", nil), ("1_", nil), ("--1", nil),
        ] as [(String, Double?)]) func pythonFloat(text: String, expected: Double?)
    {
        #expect(PythonNumber.float(text) == expected)
    }

    @Test(
        arguments: [
            (.string("42"), 42), (.string("42.0"), 42), (.double(42), 42), (.bool(true), 1),
            (.double(1.5), nil),
            (.string("42.5"), nil), (.string("x"), nil), (.null, nil), (.array([]), nil),
            (.string("18446744073709551617"), .bigInteger("18446744073709551617")),
        ] as [(JSONValue, JSONValue?)]) func laxInt(value: JSONValue, expected: JSONValue?)
    {
        #expect(LaxCoercion.int(value) == expected)
    }
}

extension JSONValue {
    fileprivate var isNaN: Bool { self.doubleValue?.isNaN ?? false }
    fileprivate subscript(position: Int) -> JSONValue? { self.arrayValue?[position] }
}
