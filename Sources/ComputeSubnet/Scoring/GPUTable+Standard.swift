extension GPUTable {
    /// Scores and fingerprints of release 1.8.3; the 8-bit rates are those of the makers' data sheets.
    package static let standard = GPUTable(
        builtIn: [
            Entry("H200", 4.0, 610, 49.6, 68.72, int8: 1979),
            Entry("H100 80GB HBM3", 3.3, 570, 49.0, 34.36, int8: 1979),
            Entry("H100", 2.8, 330, 37.2, 34.36, int8: 1513),
            Entry("A100-SXM4-80GB", 1.9, 238.8, 18.2, 34.36, int8: 624),
            Entry("A100 80GB PCIe", 0, 197, 16.9, 34.36, int8: 624),
            Entry("A100-SXM4-40GB", 0, 257, 18.2, 17.18, int8: 624),
            Entry("L40s", 0, 171, 35.5, 17.18, int8: 733),
            Entry("RTX 6000 Ada Generation", 0, 112, 26.0, 17.18, int8: 728),
            Entry("L40", 0, 116, 27.0, 17.18, int8: 362),
            Entry("RTX A6000", 0, 48.5, 21.28, 17.18, int8: 310),
            Entry("RTX 4090", 0, 157, 48.5, 8.59, int8: 661),
            Entry("A40", 0, 40.0, 22.8, 17.18, int8: 299),
            Entry("GeForce RTX 3090", 0, 66.4, 21.7, 8.59, int8: 284),
            Entry("L4", 0, 51, 9, 8.59, int8: 242),
            Entry("RTX A5000", 0, 60.0, 15.8, 8.59, int8: 222),
            Entry("RTX A4500", 0, 44.0, 14.3, 8.59, int8: 189),
            Entry("RTX 4000 Ada Generation", nil, 70, 14.6, 8.59, int8: 327),
        ],
        lookAlikes: [
            ["NVIDIA L40", "NVIDIA RTX 6000 Ada Generation"],
            ["NVIDIA RTX 4000 Ada Generation", "NVIDIA RTX A5000"],
            ["NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-80GB"],
            ["NVIDIA H100 80GB HBM3", "NVIDIA H100"],
            ["NVIDIA A40", "NVIDIA RTX A6000"],
        ])
}

extension GPUTable.Entry {
    fileprivate init(
        _ model: String, _ score: Double?, _ fp16: Double, _ fp32: Double, _ probeGB: Double, int8: Double
    ) {
        self.init(
            name: "NVIDIA " + model, score: score, fp16TeraOps: fp16, fp32TeraOps: fp32, probeGB: probeGB,
            int8TeraOps: int8)
    }
}
