#!/usr/bin/env python3
"""The gates that read source text: imports, sans-IO modules, concurrency, tests that sleep, lines, blobs.

Each finding is one line, `path:line: what is wrong`, and any finding fails. docs/STYLE.md has the reasons.
"""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

from inputs import own_targets

LINE_LENGTH_MAX = 110
BLOB_BYTES_MAX = 100_000
# The only large files: model weights, captured vectors, and the text and corpora that tests read.
BLOBS_ALLOWED = [
    "Models/*",
    "Sources/CEmbeddedModel/*",
    "Tests/*/Fixtures/*",
    "Fuzz/Corpus/*",
    "docs/images/*",
]

# Modules that never see an event loop, a clock or a random source that was not passed in.
SANS_IO = ["Sources/LibP2PCore", "Sources/SubnetRPC", "Sources/BittensorCore"]
SANS_IO_FORBIDDEN = re.compile(
    r"\b(?:EventLoop\w*|Channel\w*|NIOPosix|ContinuousClock|SuspendingClock|SystemRandomNumberGenerator)\b"
    r"|\bDate\(\)|\bUUID\(\)|\.random\(|\bTask\.sleep\b|(?<![.\w])print\("
    r"|\bNIODeadline\.now\(\)|(?<![\w)\]?])\.now\(\)"  # a clock that was passed in may be asked
)
IMPORT = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*import\s")
IMPORT_WITH_LEVEL = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public|package|internal|fileprivate|private) import\s"
)
UNSTRUCTURED = re.compile(r"(?<![.\w])Task(?:<[^>]*>)?(?:\([^)]*\))?\s*\{|\bTask\.init\b|\bTask\.immediate\b")
UNCHECKED = re.compile(r"@unchecked Sendable|nonisolated\(unsafe\)")
TRAPS = re.compile(r"\btry!|\bas! ")
SLEEPS = re.compile(r"\bTask\.sleep\b|\bThread\.sleep\b|\busleep\(|\bsleep\((?:for|until|forTimeInterval):|(?<![.\w])sleep\(|#expect\(true\)")
FOREIGN_PATHS = re.compile(r"/work/|/\.library\b|\bfarm-[a-z]")


IMPORTED = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:\w+\s+)?import\s+(?:\w+\s+)?(\w+)")


def undeclared_imports(path, lines, folders, needs):
    """Modules of ours that a file imports and its target does not depend on. The compiler finds those that were
    built anyway, so nothing else keeps the arrows of docs/ARCHITECTURE.md pointing down."""
    target = next((name for name, folder in folders.items() if path.as_posix().startswith(folder)), None)
    for number, line in enumerate(lines, start=1):
        found = IMPORTED.match(line)
        if target and found and found[1] in needs and found[1] not in needs[target] | {target}:
            yield number, f"imports {found[1]}, which {target} does not depend on in Package.swift"


def tracked_and_new():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        check=True,
        capture_output=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and Path(name).is_file():
            yield Path(name)


def without_comment(line):
    """The line up to a `//` that is not inside a string literal (good enough: no multi-line strings)."""
    quoted = False
    for index, character in enumerate(line):
        if character == '"' and (index == 0 or line[index - 1] != "\\"):
            quoted = not quoted
        elif not quoted and line.startswith("//", index):
            return line[:index]
    return line


def is_explained(lines, index):
    """A comment on the line itself or right above the declaration that the line belongs to."""
    if "//" in lines[index]:
        return True
    above = index - 1
    while above >= 0 and lines[above].lstrip().startswith("@"):
        above -= 1
    return above >= 0 and lines[above].lstrip().startswith("//")


def check_swift(path, lines):
    text = path.as_posix()
    generated = "/Generated/" in text
    in_sources, in_tests = text.startswith("Sources/"), text.startswith("Tests/")
    sans_io = any(text.startswith(module + "/") for module in SANS_IO)
    for index, line in enumerate(lines):
        number, code = index + 1, without_comment(line)
        if generated:
            continue
        if len(line) > LINE_LENGTH_MAX:
            yield number, f"line of {len(line)} characters (at most {LINE_LENGTH_MAX})"
        if in_sources and IMPORT.match(line) and not IMPORT_WITH_LEVEL.match(line):
            yield number, "import without an access level"
        if sans_io and (found := SANS_IO_FORBIDDEN.search(code)):
            yield number, f"`{found.group().strip()}` in a sans-IO module: take it as an argument"
        if in_sources and "Task.detached" in code:
            yield number, "Task.detached: every task has a parent"
        if in_sources and UNSTRUCTURED.search(code) and not is_explained(lines, index):
            yield number, "unstructured Task without a comment that names its parent"
        if in_sources and UNCHECKED.search(code) and not is_explained(lines, index):
            yield number, "unchecked concurrency without a comment that names the lock"
        if in_sources and TRAPS.search(code):
            yield number, "can trap: throw instead"
        if in_tests and SLEEPS.search(code) and not is_explained(lines, index):
            yield number, "sleeps or expects nothing, without a reason: step virtual time or await an event"


def main():
    findings = []
    folders, needs = own_targets()
    for path in sorted(tracked_and_new()):
        text = path.as_posix()
        size = path.stat().st_size
        if size > BLOB_BYTES_MAX and not any(fnmatch.fnmatch(text, allowed) for allowed in BLOBS_ALLOWED):
            findings.append(f"{text}: {size} bytes (at most {BLOB_BYTES_MAX}; exceptions: dev/check_sources.py)")
        if path.suffix not in {".swift", ".py", ".md", ".sh", ".proto", ""} or size > 1_000_000:
            continue
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        if path.suffix == ".swift":
            found = [*check_swift(path, lines), *undeclared_imports(path, lines, folders, needs)]
            findings += [f"{text}:{number}: {what}" for number, what in found]
        if path.name != "check_sources.py":
            for number, line in enumerate(lines, start=1):
                if FOREIGN_PATHS.search(line):
                    findings.append(f"{text}:{number}: a path or tool of one machine")
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
