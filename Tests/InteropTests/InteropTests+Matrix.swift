import Testing

// The last file of the suite: in a serialized suite, tests run in the order of their sources.
extension InteropTests {
    @Test func `the matrix in the protocols page is what this run saw`() async throws {
        await SharedPeers.shared.stop()
        let committed = try Matrix.committed()
        let seen = Matrix.shared.table(keeping: committed)
        if Repository.isWriting {
            try Matrix.write(seen)
        } else {
            #expect(seen == committed, "write it with SUBNET_UPDATE_DOCS=1")
        }
        if Repository.isCI { #expect(Matrix.shared.absent == 0, "CI runs every check with every peer") }
    }

    @Test(
        .enabled(
            if: Repository.isCI || PeerKind.allCases.allSatisfy { $0.missing == nil },
            "a peer is missing below .build/interop: `make test` or dev/interop-setup installs those this machine can run"
        ))
    func `every pinned peer is installed`() {
        for kind in PeerKind.allCases {
            #expect(kind.missing == nil, "\(kind.title): dev/interop-setup installs it")
        }
    }
}
