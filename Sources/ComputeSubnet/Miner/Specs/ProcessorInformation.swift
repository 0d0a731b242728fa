/// What `/proc/cpuinfo` says about the processors.
struct ProcessorInformation: Sendable, Hashable {
    /// Physical cores: pairs of package and core; where the kernel does not say, logical ones.
    var physicalCores: Int
    /// What the scheduler can use.
    var logicalCores: Int
    /// `GenuineIntel`, `AuthenticAMD` …; ARM cores have a number of their implementer instead.
    var vendorID: String?
    /// The model's name.
    var brand: String?
    /// Mean of the present clocks, MHz.
    var megahertz: Double?

    /// Reads the text of `/proc/cpuinfo`.
    init(cpuinfo: String) {
        var cores: Set<String> = []
        var clocks: [Double] = []
        var (count, package) = (0, "")
        for line in cpuinfo.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].filter { $0 != "\t" }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch name {
            case "processor": count += 1
            case "physical id": package = String(value)
            case "core id": cores.insert("\(package)/\(value)")
            case "vendor_id", "CPU implementer": if vendorID == nil { vendorID = String(value) }
            case "model name": if brand == nil { brand = String(value) }
            case "cpu MHz": if let clock = Double(value), clock > 0 { clocks.append(clock) }
            default: break
            }
        }
        logicalCores = max(1, count)
        physicalCores = cores.isEmpty ? max(1, count) : cores.count
        megahertz = clocks.isEmpty ? nil : clocks.reduce(0, +) / Double(clocks.count)
    }

    /// This machine's.
    static func current() -> ProcessorInformation {
        var information = ProcessorInformation(cpuinfo: SystemFile.text("/proc/cpuinfo") ?? "")
        // Kilohertz; more exact than cpuinfo, and there on ARM.
        if let clock = SystemFile.number("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq") {
            information.megahertz = Double(clock) / 1000
        }
        return information
    }
}
