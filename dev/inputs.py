#!/usr/bin/env python3
"""What each step of dev/test reads, as one hash: `NAME HASH` for each folder of Tests/, for `packages` and `fuzz`.

A step whose hash is that of its last success need not run again. The hash covers the sources of a suite and of all
targets of ours that it is linked with, and every other file that a test may read; where that cannot be known it
covers more. Prints nothing where files cannot be listed (no git), so that everything runs.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

# What a suite reads beyond the targets that it is linked with.
READS = {
    "BittensorCoreTests": ("docs/protocols/",),
    "ComputeSubnetTests": ("docs/openapi/",),
    "LibP2PTests": ("Tests/", "docs/THREAT_MODEL.md"),
    "ModelWorkersTests": ("docs/protocols/",),
    "SubnetFuzzingTests": ("Fuzz/",),
    "SubnetRPCTests": ("docs/protocols/",),
    "SubnetTests": ("docs/CONFIGURATION.md",),
}
# What only those read that name it. All other files count for all.
READ_BY_NAME = ("Sources/", "Tests/", "Fuzz/", "Examples/", "Benchmarks/", "docs/")
# Pages that nothing reads.
READ_BY_NONE = ("CHANGELOG.md", "CONTRIBUTING.md", "README.md")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def own_targets():
    """The folder of each target of the package, and the targets of ours that it depends on."""
    package = json.loads(output("swift", "package", "dump-package"))
    names = {target["name"] for target in package["targets"]}
    folders, needs = {}, {}
    for target in package["targets"]:
        name = target["name"]
        parent = "Tests" if target["type"] == "test" else "Sources"
        folders[name] = (target.get("path") or f"{parent}/{name}") + "/"
        needs[name] = {
            (entry.get("byName") or entry.get("target") or [None])[0] for entry in target["dependencies"]
        } & names
    return folders, needs


def closure(name, needs):
    seen, left = set(), [name]
    while left:
        target = left.pop()
        if target not in seen:
            seen.add(target)
            left += needs[target]
    return seen


def main():
    try:
        listed = output("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z").decode().split("\0")
        folders, needs = own_targets()
        swift = output("swift", "--version")
    except (OSError, subprocess.CalledProcessError):
        return
    files = sorted(name for name in set(listed) if name and Path(name).is_file())
    hashes = {
        name: hashlib.sha256(Path(name).read_bytes()).hexdigest()
        for name in files
        if not name.startswith(READ_BY_NONE)
    }

    def digest(*folders):
        total = hashlib.sha256(swift)
        for name, of_file in hashes.items():
            if name.startswith(folders) or not name.startswith(READ_BY_NAME):
                total.update(f"{name} {of_file}\n".encode())
        return total.hexdigest()

    for suite in sorted(path.name for path in Path("Tests").glob("*Tests")):
        if suite in needs:
            read = [folders[name] for name in closure(suite, needs)]
            print(suite, digest(*read, *READS.get(suite, ())))
    print("packages", digest("Sources/", "Examples/", "Benchmarks/"))
    print("fuzz", digest("Sources/", "Fuzz/"))


if __name__ == "__main__":
    sys.exit(main())
