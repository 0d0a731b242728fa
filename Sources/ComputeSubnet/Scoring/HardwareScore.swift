/// The component score that releases before the proof of GPU computed from what a miner claims of its
/// hardware.
///
/// Kept for comparison with old records only: claims are not evidence, and its GPU term is nearly zero
/// because it takes MiB for bytes.
package struct HardwareScore: Sendable, Hashable {
    /// Physical cores and MHz.
    package var cpuCount = 0.0, cpuFrequency = 0.0
    /// MiB, MHz, MHz.
    package var gpuCapacity = 0.0, gpuGraphicsSpeed = 0.0, gpuMemorySpeed = 0.0
    /// Bytes, MB/s, MB/s.
    package var diskFree = 0.0, diskReadSpeed = 0.0, diskWriteSpeed = 0.0
    /// Bytes, MB/s.
    package var ramFree = 0.0, ramReadSpeed = 0.0

    /// Nothing claimed.
    package init() {}

    /// CPU, GPU, disk and RAM, each up to its cap.
    package var components: [Double] {
        let gibibyte = 1_073_741_824.0
        return [
            min(self.cpuCount * self.cpuFrequency / 1024 / 75, 8.33),
            min(self.gpuCapacity / gibibyte * (self.gpuGraphicsSpeed + self.gpuMemorySpeed) / 2 / 1e8, 104.4),
            min(self.diskFree / gibibyte * (self.diskReadSpeed + self.diskWriteSpeed) / 2 / 1e7, 18.63),
            min(self.ramFree / gibibyte * self.ramReadSpeed / 2e5, 128),
        ]
    }

    /// 10, plus the weighted components, plus 100 for a registered miner.
    package func score(isRegistered: Bool) -> Double {
        let weights = [0.025, 0.95, 0.02, 0.005]
        let sum = zip(weights, self.components).reduce(0) { $0 + $1.0 * $1.1 }
        return 10 + 100 * sum + (isRegistered ? 100 : 0)
    }
}
