internal import Foundation

@testable internal import EmbeddedModel

/// What `Models/train.py` left for the tests, and the model itself, loaded once.
enum ModelFixtures {
    /// The folder with the model's files, next to Sources and Tests.
    static let directory = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Models").path

    /// PyTorch's figures for the committed weights.
    struct Figures: Decodable {
        struct Case: Decodable {
            var text: String
            var ids: [Int]
            var last: [Float]
            var probes: [[Float]]
            var best: [Int]
        }

        struct Encoding: Decodable {
            var text: String
            var ids: [Int]
        }

        var heldout_perplexity: Double
        var cases: [Case]
        var encodings: [Encoding]
    }

    private static let loaded = Result { try EmbeddedModel.load() }

    /// The embedded model.
    static func model() throws -> TextModel { try self.loaded.get() }

    static func figures() throws -> Figures {
        try JSONDecoder().decode(Figures.self, from: self.data("fixtures/logits.json"))
    }

    static func data(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(self.directory)/\(path)"))
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try self.data(path), as: UTF8.self)
    }

    /// `count` bytes that follow from `seed`.
    static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        (0..<count).map { UInt8(PositionRandom.unit(seed: seed, position: $0) * 256) }
    }
}
