internal import ContainerEngine
internal import NIOCore

/// The files by which a container's SSH server is told what to do. They go into a volume of the lease as an
/// archive: no shell and no image layer sees them.
enum SSHServerFiles {
    /// Where the volume is mounted. Root owns it, so the tenant can read and not change it.
    static let folder = "/run/lease"
    /// The tenant's account in the image, and its numbers.
    static let account = "tenant"
    static let accountID: UInt32 = 1000
    static let home = "/home/tenant"
    /// The port inside the container. Low ports need a capability, which the container has not.
    static let port: UInt16 = 2222

    /// The server and its arguments; it is the container's first process and runs as the tenant, who is so
    /// the only one that can log in.
    static let command = ["/usr/sbin/sshd", "-D", "-e", "-f", "\(folder)/sshd_config"]

    static let configuration = """
        Port \(port)
        ListenAddress 0.0.0.0
        HostKey \(folder)/host_key
        AuthorizedKeysFile \(folder)/authorized_keys
        AuthenticationMethods publickey
        PubkeyAuthentication yes
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin no
        PermitEmptyPasswords no
        AllowUsers \(account)
        AllowAgentForwarding no
        AllowTcpForwarding local
        X11Forwarding no
        PermitTunnel no
        PermitUserEnvironment no
        PermitUserRC no
        StrictModes yes
        UsePAM no
        PidFile none
        PrintMotd no
        LoginGraceTime 30
        MaxAuthTries 4
        MaxStartups 10:30:60
        ClientAliveInterval 60
        Subsystem sftp internal-sftp

        """

    /// All files of a new lease.
    static func archive(
        for lease: Lease, hostKey: SSHHostKey
    ) throws(ContainerEngineError) -> ByteBuffer {
        var archive = TarArchive()
        try archive.appendFile("sshd_config", content: Array(configuration.utf8), mode: 0o644)
        try append(keysOf: lease, to: &archive)
        try archive.appendFile(
            "host_key", content: hostKey.privateFile, mode: 0o600, user: accountID, group: accountID)
        return archive.finished()
    }

    /// The keys alone, when they change.
    static func keysArchive(for lease: Lease) throws(ContainerEngineError) -> ByteBuffer {
        var archive = TarArchive()
        try append(keysOf: lease, to: &archive)
        return archive.finished()
    }

    private static func append(keysOf lease: Lease, to archive: inout TarArchive) throws(ContainerEngineError)
    {
        let lines = lease.authorizedKeys.map { "\($0)\n" }.joined()
        try archive.appendFile("authorized_keys", content: Array(lines.utf8), mode: 0o644)
    }
}
