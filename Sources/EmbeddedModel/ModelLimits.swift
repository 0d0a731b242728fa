/// The bounds that every model file, prompt and answer is held to before anything is believed.
public struct ModelLimits: Sendable, Hashable {
    /// Bytes of config.json.
    public var configurationBytesMax = 64 << 10
    /// Bytes of model.safetensors.
    public var weightsBytesMax = 256 << 20
    /// Bytes of tokenizer.json.
    public var tokenizerBytesMax = 4 << 20
    /// Bytes of the JSON header inside model.safetensors.
    public var tensorHeaderBytesMax = 1 << 20
    /// Tensors in model.safetensors.
    public var tensorsMax = 4096
    /// Dimensions of one tensor.
    public var tensorDimensionsMax = 8
    /// Width of the residual stream.
    public var hiddenMax = 4096
    /// Width inside a feed-forward block.
    public var intermediateMax = 16_384
    /// Layers.
    public var layersMax = 64
    /// Token ids.
    public var vocabularyMax = 65_536
    /// Positions of the context.
    public var contextTokensMax = 4096
    /// Bytes of a prompt.
    public var promptBytesMax = 64 << 10

    /// The default limits: far above the embedded model, and safe for a small machine.
    public init() {}
}
