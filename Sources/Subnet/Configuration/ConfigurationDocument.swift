/// Writes `docs/CONFIGURATION.md` from the schema; a test compares the two.
package enum ConfigurationDocument {
    /// The whole page.
    package static func markdown() -> String {
        var text = introduction
        var section: Substring?
        let defaults = NodeConfiguration()
        for key in ConfigurationSchema.keys {
            let own = key.path.contains(".") ? key.path.prefix { $0 != "." } : ""
            if own != section {
                section = own
                text += "\n## \(own.isEmpty ? "node" : String(own))\n\n"
                text += "| Key | Takes | Default | What it does |\n|---|---|---|---|\n"
            }
            let value = LoadedConfiguration.value(key, key.read(defaults))
            let shown = value.isEmpty || value == "[]" ? "none" : "`\(value)`"
            let secret = key.isSecret ? " Never printed." : ""
            text += "| `\(key.path)` | \(key.expected) | \(shown) | \(key.summary)\(secret) |\n"
        }
        return text
    }

    private static let introduction = """
        # Configuration

        This page is made from `ConfigurationSchema`. After a change there run
        `SUBNET_UPDATE_DOCS=1 swift test --filter ConfigurationDocument`; a test fails while the two differ.

        A node takes its configuration from these places; later ones win:

        1. the defaults below;
        2. a YAML file: `--config FILE`, or the file that the environment variable `SUBNET_CONFIG` names;
        3. environment variables: the key in capitals with `_` for `.` and `-`, after `SUBNET_`. The key
           `limits.peer.calls-max` is `SUBNET_LIMITS_PEER_CALLS_MAX`. Lists are separated by commas;
        4. flags of `subnet node`; `--set KEY=VALUE` sets any key. A list replaces that of an earlier place.

        In the file a key may be nested or dotted. A key that is not on this page is an error that names the
        line and the nearest known key; so is a value of the wrong type or out of range. An unknown `SUBNET_…`
        variable is a warning. `subnet node --print-config` prints the result with the source of each value,
        and stops; what it prints can be used as a file. Paths are relative to the working directory. Sizes
        may be written `64KiB`, `16MiB`, `1GiB`; times `250ms`, `30s`, `5m`, `2h`, `1d`.

        ```yaml
        identity: node.key
        listen: [/ip4/0.0.0.0/tcp/4001]
        bootstrap:
          - /ip4/192.0.2.7/tcp/4001/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp
        serve: [peers, inference]
        metrics:
          listen: 127.0.0.1:9090
        limits:
          peer:
            calls-max: 64
        ```

        """
}
