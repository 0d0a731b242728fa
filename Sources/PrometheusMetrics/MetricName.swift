/// Turns the names that code uses into names that the Prometheus text format allows.
///
/// - Source: <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>
enum MetricName {
    /// A metric name: letters, digits and `_`, not starting with a digit; `suffix` is appended unless it is
    /// there.
    ///
    /// A colon is legal in the format but reserved for recording rules, so it becomes `_` as any other
    /// character.
    static func metric(_ label: String, suffix: String = "", bytesMax: Int) -> String {
        let room = max(1, bytesMax - suffix.utf8.count)
        let name = identifier(label, bytesMax: room)
        return name.hasSuffix(suffix) ? name : name + suffix
    }

    /// A label name. Names that start with `__` and the names in `reserved` mean something to Prometheus
    /// itself; they get the prefix `exported_`, as Prometheus does with clashing labels.
    static func label(_ name: String, reserved: Set<String>, bytesMax: Int) -> String {
        let label = identifier(name, bytesMax: bytesMax)
        if label.hasPrefix("__") || reserved.contains(label) {
            return "exported_" + label
        }
        return label
    }

    /// `text` with everything but ASCII letters, digits and `_` replaced by `_`, cut at `bytesMax`.
    private static func identifier(_ text: String, bytesMax: Int) -> String {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard bytes.count < bytesMax else { break }
            switch scalar {
            case "a"..."z", "A"..."Z", "_":
                bytes.append(UInt8(ascii: scalar))
            case "0"..."9":
                if bytes.isEmpty { bytes.append(UInt8(ascii: "_")) }
                bytes.append(UInt8(ascii: scalar))
            default:
                bytes.append(UInt8(ascii: "_"))
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }
}
