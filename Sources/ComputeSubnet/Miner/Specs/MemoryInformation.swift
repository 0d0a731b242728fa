extension HardwareDocument.RAM {
    /// Reads the text of `/proc/meminfo`; its figures are KiB. Nil when it does not tell the total.
    init?(meminfo: String) {
        var figures: [Substring: Int64] = [:]
        for line in meminfo.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let digits = line[line.index(after: colon)...].drop { $0 == " " }.prefix { $0.isNumber }
            if let value = Int64(digits), value < 1 << 50 { figures[line[..<colon]] = value << 10 }
        }
        guard let total = figures["MemTotal"] else { return nil }
        let free = figures["MemFree"] ?? 0
        let kept = (figures["Buffers"] ?? 0) + (figures["Cached"] ?? 0) + (figures["SReclaimable"] ?? 0)
        let swap = figures["SwapTotal"] ?? 0
        let swapFree = figures["SwapFree"] ?? 0
        self.init(
            total: total, available: figures["MemAvailable"] ?? free, used: max(0, total - free - kept),
            free: free, swapTotal: swap, swapUsed: max(0, swap - swapFree), swapFree: swapFree)
    }
}
