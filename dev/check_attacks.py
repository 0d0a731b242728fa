#!/usr/bin/env python3
"""Checks the table of attacks in docs/protocols/bittensor-attacks.md: each attack that must be there has exactly
one row, each row names exactly one test, and that test exists. Each finding is one line, and any finding fails.
"""

import re
import sys
from pathlib import Path

PAGE = Path("docs/protocols/bittensor-attacks.md")
HEADING = "## One row for each attack"
# H: what the classic headers leave open; M: what is known of NI Compute's miner and validator.
EXPECTED = [f"H{number}" for number in range(1, 8)] + [f"M{number}" for number in range(1, 18)]
ROW = re.compile(r"^\| ([HM]\d+) \|")


def tests():
    """The names of all tests, as `func NAME(` or func `NAME`( behind a @Test."""
    names = []
    for path in sorted(Path("Tests").rglob("*.swift")):
        text = path.read_text()
        if "import Testing" not in text:
            continue
        for found in re.finditer(r"@Test\b[\s\S]{0,2000}?\bfunc\s+(?:`([^`]+)`|(\w+))\s*\(", text):
            names.append(found.group(1) or found.group(2))
    return names


def main():
    findings = []
    lines = PAGE.read_text().splitlines()
    if HEADING not in lines:
        print(f"{PAGE}: no heading \"{HEADING}\"")
        return 1
    known = tests()
    seen = []
    for number, line in enumerate(lines, start=1):
        if not (row := ROW.match(line)):
            continue
        seen.append(row.group(1))
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if len(cells) != 5 or not all(cells):
            findings.append(f"{PAGE}:{number}: {row.group(1)} has {len(cells)} cells, not 5 with text")
            continue
        named = re.findall(r"`([^`]+)`", cells[-1])
        if len(named) != 1 or cells[-1] != f"`{named[0]}`":
            findings.append(f"{PAGE}:{number}: {row.group(1)} names {len(named)} tests, not one alone")
        elif known.count(named[0]) != 1:
            findings.append(
                f"{PAGE}:{number}: {known.count(named[0])} tests are called \"{named[0]}\", not one")
    for name in EXPECTED:
        if seen.count(name) != 1:
            findings.append(f"{PAGE}: {seen.count(name)} rows for {name}, not one")
    findings += [f"{PAGE}: {name} is no attack of the list" for name in seen if name not in EXPECTED]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
