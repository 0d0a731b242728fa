/// Asks NVIDIA's driver about its GPUs, by `nvidia-smi`.
struct GPUQuery: Sendable {
    /// One line per GPU, fields separated by a comma and a blank.
    static let arguments = [
        "--query-gpu=name,memory.total,clocks.gr,clocks.mem,uuid,serial,pci.bus_id,driver_version",
        "--format=csv,noheader,nounits",
    ]
    private static let gpusMax = 64
    /// What a machine without GPUs has.
    static let noGPUs = HardwareDocument.GPU(count: 0, capacity: 0, details: [])

    /// The GPUs of this machine: none where the program is not installed, or finds none. Nil when it fails
    /// or does not answer in time: then nobody knows.
    static func gpus(limits: MinerLimits) async -> HardwareDocument.GPU? {
        guard let program = HostCommand(named: "nvidia-smi") else { return noGPUs }
        let ending = try? await program.run(
            arguments, timeout: limits.commandTimeout, outputBytesMax: limits.commandOutputBytesMax)
        return ending.flatMap { taken(from: $0) }
    }

    /// What the end of the program tells; nil for a failure. That there are no GPUs is an unsuccessful end,
    /// too.
    static func taken(from ending: HostCommand.Ending) -> HardwareDocument.GPU? {
        if ending.isSuccess { return parsed(ending.output) }
        let isWithout = [ending.output, ending.complaint].contains { $0.contains("No devices were found") }
        return isWithout ? noGPUs : nil
    }

    /// Takes the output apart. Lines that are not of the form are left out; `[N/A]` is nothing.
    static func parsed(_ output: String) -> HardwareDocument.GPU {
        var details: [HardwareDocument.GPUDetail] = []
        var (graphics, memory): (Int?, Int?) = (nil, nil)
        for line in output.split(separator: "\n").prefix(gpusMax) {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
            guard fields.count == 8, let name = fields[0], let capacity = fields[1].flatMap(Double.init),
                capacity.isFinite, capacity >= 0
            else { continue }
            if details.isEmpty {
                (graphics, memory) = (fields[2].flatMap { Int($0) }, fields[3].flatMap { Int($0) })
            }
            details.append(
                HardwareDocument.GPUDetail(
                    name: name, capacity: capacity, uuid: fields[4], serial: fields[5], pciBusID: fields[6],
                    driverVersion: fields[7]))
        }
        return HardwareDocument.GPU(
            count: details.count, capacity: details.reduce(0) { $0 + $1.capacity }, details: details,
            graphicsSpeed: graphics, memorySpeed: memory)
    }

    private static func trimmed(_ field: Substring) -> String? {
        let text = String(field.drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "\r" }.reversed())
        return text.isEmpty || text.hasPrefix("[") ? nil : text
    }
}
