/// One field of a synapse: its name on the wire, what it holds, and what stands for it when it is absent.
public struct SynapseField: Sendable, Hashable {
    /// What a field holds; values from outside are read leniently for it, as Python's declared types do.
    public enum Shape: String, Sendable, Hashable {
        /// A text.
        case string
        /// A whole number; `"42"` and 42.0 are read as 42.
        case int
        /// A number; 2 is read as 2.0.
        case float
        /// A truth value; `"yes"` and 1 are read as true.
        case bool
        /// A list.
        case list
        /// An object of any members.
        case dict
        /// An object with members of its own, a nested struct.
        case model
        /// A ``Tensor``. Python servers cannot take a *required* one: see docs/protocols/bittensor-strict.md.
        case tensor
        /// Anything.
        case any
    }

    /// The name in bodies and headers.
    public let name: String
    /// What the field holds.
    public let shape: Shape
    /// Whether a body without it is refused. Headers then carry an empty value of its type.
    public let isRequired: Bool
    /// Whether `null` is a value of it.
    public let isNullable: Bool
    /// What an absent field is; `nil` for a required one.
    public let defaultValue: JSONValue?

    /// A field that every body must have.
    public static func required(_ name: String, _ shape: Shape, nullable: Bool = false) -> SynapseField {
        SynapseField(
            name: name, shape: shape, isRequired: true, isNullable: nullable || shape == .any,
            defaultValue: nil)
    }

    /// A field with a default; `null` is a value of it when the default is `null`.
    public static func optional(
        _ name: String, _ shape: Shape, default defaultValue: JSONValue = .null
    ) -> SynapseField {
        SynapseField(
            name: name, shape: shape, isRequired: false, isNullable: defaultValue.isNull || shape == .any,
            defaultValue: defaultValue)
    }

    /// A value from outside as this field takes it; `nil` where it does not.
    func coerced(_ value: JSONValue) -> JSONValue? {
        if value.isNull { return self.isNullable ? .null : nil }
        switch self.shape {
        case .string:
            if case .string = value { return value } else { return nil }
        case .int: return LaxCoercion.int(value)
        case .float: return LaxCoercion.float(value)
        case .bool: return LaxCoercion.bool(value)
        case .list:
            if case .array = value { return value } else { return nil }
        case .dict, .model, .tensor:
            if case .object = value { return value } else { return nil }
        case .any: return value
        }
    }
}
