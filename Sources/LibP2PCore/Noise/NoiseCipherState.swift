/// The `CipherState` of the Noise framework: a key and the counter of messages under it.
///
/// A message counter is never used twice and the last value is reserved, so that 2^64 - 1 messages are an
/// error and not a wrap-around.
/// - Source: <https://noiseprotocol.org/noise.html#the-cipherstate-object>
struct NoiseCipherState: ~Copyable, Sendable {
    private let key: NoiseCipherKey
    /// Messages sealed or opened so far.
    private(set) var counter: UInt64

    /// Starts counting under a new key; only tests begin elsewhere than at zero.
    init(key: consuming NoiseCipherKey, counter: UInt64 = 0) {
        self.key = key
        self.counter = counter
    }

    /// Encrypts into `output`, which must have room for `plaintext` and a tag.
    /// - Throws: `nonceExhausted`; `cryptoUnavailable`.
    mutating func seal(
        _ plaintext: UnsafeRawBufferPointer,
        associatedData: UnsafeRawBufferPointer = .init(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer
    ) throws(SecurityError) {
        guard self.counter < .max else {
            throw SecurityError(.nonceExhausted, "2^64 - 1 messages were sealed")
        }
        guard self.key.seal(plaintext, associatedData: associatedData, counter: self.counter, into: output)
        else {
            throw SecurityError(.cryptoUnavailable, "the cipher refused to seal")
        }
        self.counter += 1
    }

    /// Decrypts into `output`, which must have room for `ciphertext` without its tag.
    /// - Throws: `nonceExhausted`; `decryptionFailed`, which leaves the counter as it was.
    mutating func open(
        _ ciphertext: UnsafeRawBufferPointer,
        associatedData: UnsafeRawBufferPointer = .init(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer
    ) throws(SecurityError) {
        guard self.counter < .max else {
            throw SecurityError(.nonceExhausted, "2^64 - 1 messages were opened")
        }
        guard self.key.open(ciphertext, associatedData: associatedData, counter: self.counter, into: output)
        else {
            throw SecurityError(.decryptionFailed, "the authentication tag of a message is wrong")
        }
        self.counter += 1
    }

    /// Encrypts a short handshake field.
    mutating func sealed(_ plaintext: [UInt8], associatedData: [UInt8]) throws(SecurityError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: plaintext.count + NoiseLimits.tagBytes)
        var failure: SecurityError?
        plaintext.withUnsafeBytes { plaintext in
            associatedData.withUnsafeBytes { associatedData in
                output.withUnsafeMutableBytes { output in
                    do throws(SecurityError) {
                        try self.seal(plaintext, associatedData: associatedData, into: output)
                    } catch {
                        failure = error
                    }
                }
            }
        }
        if let failure { throw failure }
        return output
    }

    /// Decrypts a short handshake field.
    mutating func opened(_ ciphertext: ArraySlice<UInt8>, associatedData: [UInt8]) throws(SecurityError)
        -> [UInt8]
    {
        guard ciphertext.count >= NoiseLimits.tagBytes else {
            throw SecurityError(.malformedMessage, "an encrypted field is shorter than its tag")
        }
        var output = [UInt8](repeating: 0, count: ciphertext.count - NoiseLimits.tagBytes)
        var failure: SecurityError?
        ciphertext.withUnsafeBytes { ciphertext in
            associatedData.withUnsafeBytes { associatedData in
                output.withUnsafeMutableBytes { output in
                    do throws(SecurityError) {
                        try self.open(ciphertext, associatedData: associatedData, into: output)
                    } catch {
                        failure = error
                    }
                }
            }
        }
        if let failure { throw failure }
        return output
    }
}
