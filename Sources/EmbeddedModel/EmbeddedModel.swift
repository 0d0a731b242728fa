internal import CEmbeddedModel

/// The model that every node carries: no file to find, nothing to download.
///
/// A Llama of 0.9 million weights, trained by `Models/train.py` on the text of `Models/generate_text.py`. It
/// writes simple English about subnets, weather and small adventures, and is there to show and to test the
/// way of an answer, not to know things.
public enum EmbeddedModel {
    /// The name under which a node offers this model.
    public static let name = "embedded"

    /// Loads the model from the executable. Takes some milliseconds; keep the result.
    public static func load() throws(ModelError) -> TextModel {
        try TextModel(
            configuration: self.bytes(subnet_embedded_config()),
            weights: self.bytes(subnet_embedded_weights()),
            tokenizer: self.bytes(subnet_embedded_tokenizer()))
    }

    private static func bytes(_ file: subnet_embedded_file) -> [UInt8] {
        [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.count))
    }
}
