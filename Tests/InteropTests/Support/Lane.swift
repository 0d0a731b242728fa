import Foundation
import Testing

/// An implementation that is not ours.
enum PeerKind: String, CaseIterable, Sendable {
    case pyLibP2P
    case goLibP2P

    /// With its pinned version, as the matrix names it.
    var title: String {
        switch self {
        case .pyLibP2P: "py-libp2p 0.8.1"
        case .goLibP2P: "go-libp2p 0.32.1"
        }
    }

    /// The program below Interop that drives it.
    var program: String {
        switch self {
        case .pyLibP2P: "py_libp2p_peer.py"
        case .goLibP2P: "p2pd_peer.py"
        }
    }

    /// What `dev/interop-setup` must have put below .build/interop.
    private var needs: [String] {
        switch self {
        case .pyLibP2P: ["py-libp2p/bin/python", "py-libp2p/stamp"]
        case .goLibP2P: ["py-libp2p/bin/python", "p2pd"]
        }
    }

    /// The first thing that is missing.
    var missing: String? {
        self.needs.first { !FileManager.default.fileExists(atPath: "\(Repository.interop)/\($0)") }
    }
}

/// Where things are.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    static let interop = "\(root)/.build/interop"
    static let python = "\(interop)/py-libp2p/bin/python"

    /// In CI nothing may be skipped.
    static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"
    /// Whether docs/PROTOCOLS.md is written instead of compared.
    static let isWriting = ProcessInfo.processInfo.environment["SUBNET_UPDATE_DOCS"] == "1"
}

/// How the connections of a lane are secured.
enum Security: String, CaseIterable, Sendable {
    case noise, tls

    var title: String { self == .noise ? "Noise" : "TLS" }
    /// The multistream id.
    var id: String { self == .noise ? "/noise" : "/tls/1.0.0" }
}

/// Who dials and calls.
enum Direction: String, CaseIterable, Sendable {
    case weCall, itCalls
}

/// One column of the matrix: a peer, a security protocol (with Yamux, always) and a direction.
struct Lane: Sendable, Hashable, CustomTestStringConvertible {
    var kind: PeerKind
    var security: Security
    var direction: Direction

    static let all = PeerKind.allCases.flatMap { kind in
        Security.allCases.flatMap { security in
            Direction.allCases.map { Lane(kind: kind, security: security, direction: $0) }
        }
    }

    /// Those whose peer is installed; in CI all of them, so that a missing peer fails.
    static let available = Repository.isCI ? all : all.filter { $0.kind.missing == nil }

    var testDescription: String {
        "\(self.kind.title), \(self.security.title): \(self.direction == .weCall ? "we call" : "it calls")"
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips without the peers of the suite, unless in CI.
    static var peersInstalled: Self {
        .enabled(
            if: Repository.isCI || PeerKind.allCases.contains { $0.missing == nil },
            "no peer is installed below .build/interop: `make test` or dev/interop-setup installs them")
    }

    /// Skips without this peer, unless in CI.
    static func peerInstalled(_ kind: PeerKind) -> Self {
        .enabled(
            if: Repository.isCI || kind.missing == nil,
            "\(kind.title) is not below .build/interop: `make test` or dev/interop-setup installs it"
        )
    }
}
