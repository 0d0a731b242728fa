/// Why a proof of GPU does not hold, or cannot be made.
package struct ProofOfGPUError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reason, as a program sees it.
    package struct Code: Sendable, Hashable {
        private enum Value: Sendable, Hashable {
            case parameters, malformed, mismatch, outOfOrder, busy, late, commitment, arithmetic, engine
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// Parameters outside the limits.
        package static let parameters = Self(.parameters)
        /// Bytes that are no message of the protocol, or not of the length that they must have.
        package static let malformed = Self(.malformed)
        /// A well-formed message about another challenge, GPU, miner or validator.
        package static let mismatch = Self(.mismatch)
        /// A message that does not belong here.
        package static let outOfOrder = Self(.outOfOrder)
        /// The prover works for somebody else; worth another try later.
        package static let busy = Self(.busy)
        /// An answer after its time.
        package static let late = Self(.late)
        /// An opened row that is not the committed one.
        package static let commitment = Self(.commitment)
        /// An opened row that is not the product.
        package static let arithmetic = Self(.arithmetic)
        /// The prover's arithmetic failed.
        package static let engine = Self(.engine)
    }

    /// Why.
    package var code: Code
    /// Why, for people.
    package var message: String

    /// An error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { self.message }
}
