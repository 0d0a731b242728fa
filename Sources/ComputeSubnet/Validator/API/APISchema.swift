internal import BittensorCore

/// What a value of the API looks like: the one place that both checks requests and writes the OpenAPI
/// document, so that they cannot disagree.
indirect enum APISchema: Sendable {
    /// Text; `pattern` is an ECMA-262 regular expression for the document, `isValid` the same as code.
    case string(lengths: ClosedRange<Int>, format: TextFormat = .any, default: String? = nil)
    /// One of some texts.
    case choice([String], default: String? = nil)
    /// A whole number.
    case integer(ClosedRange<Int>, default: Int? = nil)
    /// A number.
    case number(ClosedRange<Double>, default: Double? = nil)
    /// True or false.
    case boolean(default: Bool? = nil)
    /// A list.
    case array(APISchema, countMax: Int)
    /// An object of these members and no others.
    case object([APIProperty])
    /// Anything; for answers.
    case any
    /// An object with any members; for answers.
    case dictionary
    /// The value or null.
    case nullable(APISchema)
    /// A schema of the document's `components`.
    case reference(String)

    /// The forms of text.
    enum TextFormat: Sendable {
        case any
        /// An SS58 address: base58, checked no further here.
        case address
        /// A UUID.
        case uuid
        /// Printable, without line breaks.
        case line

        /// The form as a regular expression.
        var pattern: String? {
            switch self {
            case .any: nil
            case .address: "^[1-9A-HJ-NP-Za-km-z]{46,50}$"
            case .uuid: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
            case .line: "^[ -~]*$"
            }
        }

        /// Whether a text has the form.
        func matches(_ text: String) -> Bool {
            let bytes = Array(text.utf8)
            switch self {
            case .any: return true
            case .line: return bytes.allSatisfy { (0x20...0x7E).contains($0) }
            case .address:
                return (46...50).contains(bytes.count)
                    && bytes.allSatisfy {
                        (49...57).contains($0) || ((65...90).contains($0) && $0 != 73 && $0 != 79)
                            || ((97...122).contains($0) && $0 != 108)
                    }
            case .uuid:
                guard bytes.count == 36 else { return false }
                return bytes.enumerated().allSatisfy { index, byte in
                    [8, 13, 18, 23].contains(index)
                        ? byte == 45 : (48...57).contains(byte) || (97...102).contains(byte)
                }
            }
        }
    }
}

/// A member of an object, or a parameter.
struct APIProperty: Sendable {
    /// Its name.
    let name: String
    /// What it looks like.
    let schema: APISchema
    /// Whether it must be there.
    let isRequired: Bool
    /// What it means.
    let summary: String

    /// A member that must be there.
    static func required(_ name: String, _ schema: APISchema, _ summary: String) -> APIProperty {
        APIProperty(name: name, schema: schema, isRequired: true, summary: summary)
    }

    /// A member that may be absent.
    static func optional(_ name: String, _ schema: APISchema, _ summary: String) -> APIProperty {
        APIProperty(name: name, schema: schema, isRequired: false, summary: summary)
    }
}

/// What is wrong with one member of a request.
struct APIFieldError: Error, Sendable, Hashable {
    /// Where it is, `requirements.cpu_count` for example.
    let field: String
    /// What is wrong.
    let message: String
}
