internal import BittensorCore
internal import ComputeSubnet

/// Leases and resources as the API tells them, for people and programs. All of it is text of others.
enum LeasePrinter {
    /// One line of JSON.
    static func json(_ value: JSONValue) throws {
        guard let text = try? value.text() else {
            throw CommandFailure("The result cannot be written as JSON.")
        }
        try StandardOutput.writeLine(text)
    }

    /// A lease without what opens it.
    static func withoutSecrets(_ lease: JSONValue) -> JSONValue {
        guard var object = lease.objectValue else { return lease }
        object["ssh_password"] = nil
        object["uuid_key"] = nil
        return .object(object)
    }

    /// One lease of a list.
    static func line(_ lease: JSONValue) -> String {
        var parts = [text(lease, "hotkey"), text(lease, "resource"), text(lease, "ssh_command")]
        if let end = lease["expires_at"]?.intValue { parts.append("until \(end) (Unix time)") }
        return parts.filter { !$0.isEmpty }.joined(separator: "  ")
    }

    /// A lease that was made just now.
    static func made(_ lease: JSONValue, leaseFile: String?) -> String {
        var lines = ["Leased: \(text(lease, "hotkey"))", "  \(text(lease, "ssh_command"))"]
        if let key = lease["ssh_host_key"]?.stringValue {
            lines.append("  host key: \(PrintableText.of(key))")
        }
        if let end = lease["expires_at"]?.intValue { lines.append("  until: \(end) (Unix time)") }
        if let leaseFile {
            lines.append("  kept in: \(leaseFile)")
        } else {
            lines.append("  uuid_key: \(text(lease, "uuid_key"))")
            let password = text(lease, "ssh_password")
            if !password.isEmpty { lines.append("  password: \(password)") }
        }
        return lines.joined(separator: "\n")
    }

    /// What a miner claims.
    static func resource(_ resource: JSONValue) -> String {
        let gpus =
            (resource["gpu_count"]?.intValue ?? 0) == 0
            ? "no GPU"
            : "\(text(resource, "gpu_count")) × \(text(resource, "gpu_name")), "
                + "\(text(resource, "gpu_capacity")) GB"
        return [
            text(resource, "hotkey"), gpus, "\(text(resource, "cpu_count")) cores",
            "\(text(resource, "ram")) GB memory", "\(text(resource, "hard_disk")) GB disk",
            text(resource, "allocate_status"),
        ].joined(separator: "  ")
    }

    private static func text(_ object: JSONValue, _ name: String) -> String {
        guard let value = object[name] else { return "" }
        return PrintableText.of(value.stringValue ?? (try? value.text()) ?? "")
    }
}
