#!/usr/bin/env python3
"""Wraps `//` and `///` lines that are too long, which swift-format leaves as they are.

dev/wrap_comments.py FILE... Only an overlong line changes, and what follows it in the same paragraph as far as
needed. Tables, code in fences and generated files are left alone; so is a comment behind code.
"""

import re
import sys
from pathlib import Path

WIDTH = 110
COMMENT = re.compile(r"^(\s*///?)(\s+)(\S.*)$")
# A line that begins a paragraph of its own: a list item, a table row, a heading, a fence.
STARTS_ANEW = re.compile(r"^(?:[-*|#>]|\d+\.|```)")


def wrap(lines):
    lines, index, fenced = list(lines), 0, False
    while index < len(lines):
        found = COMMENT.match(lines[index])
        if found and found.group(3).startswith("```"):
            fenced = not fenced
        elif found and not fenced and len(lines[index]) > WIDTH and not found.group(3).startswith("|"):
            prefix, gap, text = found.groups()
            cut = text.rfind(" ", 0, WIDTH - len(prefix) - len(gap) + 1)
            if cut > 0:
                hang = gap + "  " if STARTS_ANEW.match(text) else gap
                rest = text[cut + 1 :].strip()
                lines[index] = prefix + gap + text[:cut].rstrip()
                below = COMMENT.match(lines[index + 1]) if index + 1 < len(lines) else None
                if below and below.group(1, 2) == (prefix, hang) and not STARTS_ANEW.match(below.group(3)):
                    lines[index + 1] = prefix + hang + rest + " " + below.group(3)
                else:
                    lines.insert(index + 1, prefix + hang + rest)
        index += 1
    return lines


def main():
    for name in sys.argv[1:]:
        path = Path(name)
        before = path.read_text()
        after = "\n".join(wrap(before.split("\n")))
        if after != before:
            path.write_text(after)
            print(name)


if __name__ == "__main__":
    main()
