"""The tokenizer of the embedded model: byte-level byte-pair encoding.

Ids 0 to 255 are the 256 bytes, so any text at all can be written. Id 256 + n is merge n: two earlier ids
joined. The one id after the last merge is the end token, which stands before and after each document and has
no text. `Sources/EmbeddedModel/Tokenizer.swift` does the same; the fixtures hold the two together.
"""

from __future__ import annotations

import collections
import json

PIECE_BYTES_MAX = 32
FORMAT = "subnet-byte-bpe/1"


def pieces(data: bytes) -> list[bytes]:
    """Cuts text where no merge may cross: an optional space, then either a run of letters (ASCII letters and
    all bytes from 128 on) or one other byte that is not a space. A piece has at most 32 bytes."""
    found, at = [], 0
    while at < len(data):
        start = at
        if data[at] == 0x20:
            at += 1
        if at < len(data) and is_letter(data[at]):
            while at < len(data) and is_letter(data[at]) and at - start < PIECE_BYTES_MAX:
                at += 1
        elif at < len(data) and data[at] != 0x20:
            at += 1
        found.append(data[start:at])
    return found


def is_letter(byte: int) -> bool:
    return byte >= 128 or 65 <= byte <= 90 or 97 <= byte <= 122


class Tokenizer:
    def __init__(self, merges: list[tuple[int, int]]) -> None:
        self.merges = merges
        self.rank = {pair: index for index, pair in enumerate(merges)}
        self.bytes = [bytes([byte]) for byte in range(256)]
        for left, right in merges:
            self.bytes.append(self.bytes[left] + self.bytes[right])
        self.end = len(self.bytes)
        self.known: dict[bytes, list[int]] = {}

    @property
    def vocabulary_size(self) -> int:
        return self.end + 1

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        for piece in pieces(text.encode()):
            if piece not in self.known:
                self.known[piece] = self.encode_piece(piece)
            ids += self.known[piece]
        return ids

    def encode_piece(self, piece: bytes) -> list[int]:
        """Joins the pair with the lowest merge number, leftmost first, until no pair has a merge."""
        ids = list(piece)
        while len(ids) > 1:
            ranks = [self.rank.get(pair, len(self.merges)) for pair in zip(ids, ids[1:])]
            best = min(ranks)
            if best == len(self.merges):
                break
            at = ranks.index(best)
            ids[at : at + 2] = [256 + best]
        return ids

    def decode(self, ids: list[int]) -> bytes:
        return b"".join(self.bytes[id] for id in ids if id != self.end)

    def save(self, path: str) -> None:
        """One merge a line, so that a change of the file can be read."""
        lines = ",\n    ".join(json.dumps(list(pair)) for pair in self.merges)
        with open(path, "w") as file:
            file.write(f'{{\n  "format": "{FORMAT}",\n  "end_token_id": {self.end},\n')
            file.write(f'  "merges": [\n    {lines}\n  ]\n}}\n')


def train(texts: list[str], merge_count: int) -> Tokenizer:
    """Joins the most frequent pair, `merge_count` times; of equally frequent pairs the lowest ids win."""
    counts: collections.Counter[bytes] = collections.Counter()
    for text in texts:
        counts.update(pieces(text.encode()))
    words = [(list(piece), count) for piece, count in sorted(counts.items())]
    merges: list[tuple[int, int]] = []
    while len(merges) < merge_count:
        pairs: collections.Counter[tuple[int, int]] = collections.Counter()
        for ids, count in words:
            for pair in zip(ids, ids[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        joined = 256 + len(merges)
        merges.append(best)
        for ids, _ in words:
            at = 0
            while at + 1 < len(ids):
                if (ids[at], ids[at + 1]) == best:
                    ids[at : at + 2] = [joined]
                at += 1
    return Tokenizer(merges)
