extension SafeTensors {
    /// The numbers of tensor `name`, which has shape `shape`, in row-major order.
    ///
    /// - Throws: ``ModelError/Code/mismatch`` when there is no such tensor of that shape;
    ///   ``ModelError/Code/malformedWeights`` when a number is not finite.
    package func floats(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
        guard let tensor = self.tensors[name] else {
            throw ModelError(.mismatch, "model.safetensors has no tensor \(name.debugDescription)")
        }
        guard tensor.shape == shape else {
            throw ModelError(
                .mismatch,
                "model.safetensors: tensor \(name.debugDescription) has shape \(tensor.shape), "
                    + "config.json needs \(shape)"
            )
        }
        let count = tensor.range.count / tensor.dtype.byteWidth
        var finite = true
        let floats = [Float](unsafeUninitializedCapacity: count) { output, initialized in
            self.bytes.withUnsafeBufferPointer { file in
                guard count > 0, let input = file.baseAddress, let output = output.baseAddress else { return }
                let start = input + tensor.range.lowerBound
                switch tensor.dtype {
                case .half: finite = Self.readHalf(start, output, count)
                case .brain: finite = Self.readBrain(start, output, count)
                case .single: finite = Self.readSingle(start, output, count)
                }
                initialized = count
            }
        }
        guard finite else {
            throw ModelError(
                .malformedWeights,
                "model.safetensors: tensor \(name.debugDescription) has a number that is not finite")
        }
        return floats
    }

    // While-loops over pointers: these run for each weight, and a debug build must load a model in a blink.

    /// Exponent and fraction move to their places in single precision; the factor corrects the exponent's
    /// bias and is exact for subnormal numbers too.
    private static func readHalf(
        _ input: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) -> Bool {
        var index = 0
        var finite = true
        while index < count {
            let bits = UInt32(input[index &* 2]) | UInt32(input[index &* 2 &+ 1]) &<< 8
            if bits & 0x7C00 == 0x7C00 { finite = false }
            let magnitude = Float(bitPattern: (bits & 0x7FFF) &<< 13) * 0x1p112
            output[index] = Float(bitPattern: magnitude.bitPattern | (bits & 0x8000) &<< 16)
            index &+= 1
        }
        return finite
    }

    private static func readBrain(
        _ input: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) -> Bool {
        var index = 0
        var finite = true
        while index < count {
            let bits = UInt32(input[index &* 2]) | UInt32(input[index &* 2 &+ 1]) &<< 8
            if bits & 0x7F80 == 0x7F80 { finite = false }
            output[index] = Float(bitPattern: bits &<< 16)
            index &+= 1
        }
        return finite
    }

    private static func readSingle(
        _ input: UnsafePointer<UInt8>, _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) -> Bool {
        var index = 0
        var finite = true
        while index < count {
            let at = input + index &* 4
            let bits = UInt32(at[0]) | UInt32(at[1]) &<< 8 | UInt32(at[2]) &<< 16 | UInt32(at[3]) &<< 24
            if bits & 0x7F80_0000 == 0x7F80_0000 { finite = false }
            output[index] = Float(bitPattern: bits)
            index &+= 1
        }
        return finite
    }
}
