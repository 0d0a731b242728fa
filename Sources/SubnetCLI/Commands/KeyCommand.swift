internal import ArgumentParser
internal import LibP2PIdentity

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// `subnet key`.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make and show libp2p identities.",
        subcommands: [Generate.self, Show.self])

    /// `subnet key generate`.
    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new identity.",
            discussion:
                "The file is created with mode 0600. An existing file is left alone unless --force is given.")

        @Option(help: "Type of the key.")
        var type: KeyTypeName = .ed25519

        @Option(help: ArgumentHelp("File to write.", valueName: "file"))
        var out: String

        @Option(
            help:
                "Form of an Ed25519 key: py is the 32-byte seed (py-libp2p), go the 64-byte form (go-libp2p)."
        )
        var form: KeyFormName = .py

        @Option(help: ArgumentHelp("Size of an RSA key, 2048 to 8192.", valueName: "bits"))
        var bits: Int?

        @Flag(help: "Replace an existing file.")
        var force = false

        @OptionGroup var output: OutputOptions

        func run() throws {
            if let bits {
                guard type == .rsa else {
                    throw CommandFailure(
                        "--bits is for keys of type rsa, not \(type.rawValue).", status: .usage)
                }
                guard (2048...8192).contains(bits), bits.isMultiple(of: 8) else {
                    throw CommandFailure(
                        "--bits must be from 2048 to 8192 and a multiple of 8, not \(bits).", status: .usage)
                }
            }
            do {
                let key = try PrivateKey.generate(type.type, rsaBits: bits ?? 2048)
                try KeyFile.save(key, to: out, form: form.form, overwrite: force)
                let report = KeyReport(key, file: out)
                if output.json {
                    try JSONLine.write(report)
                } else {
                    try StandardOutput.writeLine(
                        "Wrote a new \(report.type) key to \(out); its peer id is \(report.peerId).")
                }
            } catch let error as IdentityError {
                throw CommandFailure(KeySentence.text(error, path: out))
            }
        }
    }

    /// `subnet key show`.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the public half of an identity.",
            discussion: "All forms are read: Ed25519 keys of 32, 64 and 96 bytes, RSA, secp256k1 and ECDSA.")

        @Argument(help: ArgumentHelp("Key file.", valueName: "file"))
        var file: String

        @OptionGroup var output: OutputOptions

        func run() throws {
            let report = KeyReport(try ArgumentReader.key(at: file), file: file)
            if output.json {
                try JSONLine.write(report)
            } else {
                try StandardOutput.write(
                    """
                    Type        \(report.type)
                    Peer id     \(report.peerId)
                    As CID      \(report.peerIdCid)
                    Public key  \(report.publicKeyBase64)

                    """)
            }
        }
    }
}

/// The types of keys, as the command line calls them.
enum KeyTypeName: String, CaseIterable, ExpressibleByArgument {
    case ed25519, secp256k1, rsa, ecdsa

    /// The type.
    var type: KeyType {
        switch self {
        case .ed25519: .ed25519
        case .secp256k1: .secp256k1
        case .rsa: .rsa
        case .ecdsa: .ecdsa
        }
    }
}

/// The forms of Ed25519 keys, as the command line calls them.
enum KeyFormName: String, CaseIterable, ExpressibleByArgument {
    case py, go

    /// The form.
    var form: KeyForm { self == .py ? .py : .go }
}

/// What is shown of a key: nothing secret.
struct KeyReport: Encodable {
    let file: String
    let type: String
    let peerId: String
    let peerIdCid: String
    /// The libp2p protobuf of the public key.
    let publicKeyBase64: String

    init(_ key: PrivateKey, file: String) {
        let peer = PeerID(publicKey: key.publicKey)
        self.file = file
        type = key.type.description
        peerId = peer.description
        peerIdCid = peer.cidDescription
        publicKeyBase64 = Data(key.publicKey.protobufEncoded).base64EncodedString()
    }
}

/// Sentences about key files.
enum KeySentence {
    /// What `error` says about the key file at `path`, as a sentence.
    static func text(_ error: IdentityError, path: String) -> String {
        var text = error.message.contains(path) ? error.message : "the key file \(path): \(error.message)"
        if error.code == .keyFileMissing { text += "; \"subnet key generate --out \(path)\" makes one" }
        if error.code == .keyFileExists { text += "; --force replaces it" }
        if let cause = error.cause as? IdentityError { text += ": \(cause.message)" }
        return text.prefix(1).uppercased() + text.dropFirst()
    }
}
