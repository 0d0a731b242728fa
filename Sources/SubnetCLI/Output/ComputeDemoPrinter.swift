internal import ComputeSubnet

/// Prints what happens in `subnet demo compute`: a story for people, or JSON lines.
struct ComputeDemoPrinter: Sendable {
    let json: Bool

    /// The JSON form of an event; fields that do not apply are left out.
    private struct Line: Encodable {
        var event: String
        var hotkey: String?
        var address: String?
        var processId: Int32?
        var cpus: Int?
        var ramBytes: Int64?
        var gpus: Int?
        var candidates: Double?
        var password: String?
        var user: String?
        var expiresAt: Int64?
        var text: String?
        var milliseconds: Double?
    }

    /// Prints one event.
    func print(_ event: ComputeDemoEvent) throws {
        if json { try JSONLine.write(line(event)) } else { try StandardOutput.writeLine(text(event)) }
    }

    private func line(_ event: ComputeDemoEvent) -> Line {
        switch event {
        case .started(let hotkey, let address, let process):
            Line(event: "started", hotkey: hotkey, address: address, processId: process)
        case .specs(let machine, let took):
            Line(
                event: "specs", cpus: machine.cpu?.count, ramBytes: machine.ram?.total,
                gpus: machine.gpu?.count ?? 0, milliseconds: took.milliseconds)
        case .challenged(let candidates, let password, let took):
            Line(
                event: "challenged", candidates: candidates, password: password,
                milliseconds: took.milliseconds)
        case .allocated(let user, let address, let end, let took):
            Line(
                event: "allocated", address: address, user: user, expiresAt: end,
                milliseconds: took.milliseconds)
        case .loggedIn(let text): Line(event: "logged_in", text: text)
        case .deallocated(let took): Line(event: "deallocated", milliseconds: took.milliseconds)
        }
    }

    private func text(_ event: ComputeDemoEvent) -> String {
        func time(_ took: Duration) -> String { Figures.milliseconds(took.milliseconds) }
        switch event {
        case .started(let hotkey, let address, let process):
            return "miner, process \(process): \(hotkey) at \(address)"
        case .specs(let machine, let took):
            let ram = machine.ram.map { Figures.bytes(Double($0.total)) } ?? "unknown"
            let model = machine.cpu?.brand ?? machine.cpu?.vendorIDRaw ?? "unknown"
            return "Specs       \(machine.cpu?.count ?? 0) cores (\(model)), \(ram) of memory, "
                + "\(machine.gpu?.count ?? 0) GPUs, in \(time(took))"
        case .challenged(let candidates, let password, let took):
            let count = Figures.rounded(candidates, 0)
            return "Challenge   \"\(password)\" found among \(count) in \(time(took)), and it is right"
        case .allocated(let user, let address, _, let took):
            return "Allocate    a container for \(user) at \(address), in \(time(took))"
        case .loggedIn(let text):
            let words = text.split(whereSeparator: \.isNewline).joined(separator: ", ")
            return "Login       the tenant is in, and the host key is the promised one: \(words)"
        case .deallocated(let took): return "Deallocate  the container is gone, in \(time(took))"
        }
    }
}
