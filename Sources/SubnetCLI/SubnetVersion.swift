/// The version of this program.
enum SubnetVersion {
    /// As `subnet --version` prints it and as identify tells others.
    static let text = "0.1.0"
}
