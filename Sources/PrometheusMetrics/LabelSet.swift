/// The labels of one series in the form in which they are printed: `name="value",name2="value2"`, sorted by
/// name.
///
/// The printed form is also the key of the series: escaping is injective, so two series are the same exactly
/// when their printed labels are.
struct LabelSet: Sendable, Hashable, Comparable {
    /// The labels without braces; empty when there are none.
    let text: String

    /// No labels.
    static let none = LabelSet(text: "")

    private init(text: String) {
        self.text = text
    }

    /// Sanitises, bounds, sorts and escapes `dimensions`. Of two dimensions with the same name the later one
    /// counts, since the format forbids a repeated label.
    init(_ dimensions: [(String, String)], reserved: Set<String>, limits: PrometheusLimits) {
        guard !dimensions.isEmpty else {
            self = .none
            return
        }
        var labels: [String: String] = [:]
        for (name, value) in dimensions {
            let name = MetricName.label(name, reserved: reserved, bytesMax: limits.nameBytesMax)
            guard labels.count < limits.labelsMax || labels[name] != nil else { continue }
            labels[name] = value
        }
        text = labels.sorted { $0.key < $1.key }
            .map { "\($0.key)=\"\(Self.escaped($0.value, bytesMax: limits.labelValueBytesMax))\"" }
            .joined(separator: ",")
    }

    static func < (left: LabelSet, right: LabelSet) -> Bool {
        left.text < right.text
    }

    /// The labels in braces, with `extra` (already printed) as the last one; empty when there is nothing to
    /// print.
    func braced(extra: String? = nil) -> String {
        switch (text.isEmpty, extra) {
        case (true, nil): ""
        case (true, let extra?): "{\(extra)}"
        case (false, nil): "{\(text)}"
        case (false, let extra?): "{\(text),\(extra)}"
        }
    }

    /// A label value with backslash, quote and line feed escaped, after cutting it to `bytesMax` UTF-8 bytes.
    static func escaped(_ value: String, bytesMax: Int) -> String {
        var result = ""
        var count = 0
        for scalar in value.unicodeScalars {
            count += UTF8.width(scalar)
            guard count <= bytesMax else { break }
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
