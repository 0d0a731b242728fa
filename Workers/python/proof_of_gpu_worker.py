#!/usr/bin/env python3
"""The arithmetic of the proof of GPU (docs/protocols/proof-of-gpu.md) on a CUDA device, or slowly on the CPU.

usage: proof_of_gpu_worker.py [--device cuda|cpu]

It needs PyTorch; with --device cpu NumPy is enough. Choose the GPU with CUDA_VISIBLE_DEVICES=GPU-<uuid>: the first
visible device is used. Requests come on standard input, replies go to standard output, one after the other:

    request   1 byte: 1 = leaves, 2 = sums; 140 bytes: the challenge; 4 bytes: count; count times 4 bytes: a row
    reply     1 byte: 0 = good, 1 = failed; 8 bytes: length; the payload, or UTF-8 text that says why

All numbers are little-endian. The payload of leaves is 32 bytes for each row of the last layer, that of sums is, for
each row asked for and each layer, one 32-bit integer for each column. A first reply without a request tells that the
worker is ready; its payload is the device's name. The worker ends at the end of its input.
"""

import argparse
import hashlib
import os
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

CHALLENGE_BYTES = 140
DOMAIN = b"subnet proof-of-gpu/1"
# Rows that are worked on at a time: 8192 rows of 65536 sums are 2 GiB.
ROWS_AT_A_TIME = 8192
# Rows that one thread hashes at a time.
LEAVES_AT_A_TIME = 256
# Blocks of keystream that are made at a time: enough to fill a GPU, 32 arrays of 16 MiB.
KEYSTREAM_BLOCKS_AT_A_TIME = 1 << 22


class Torch:
    def __init__(self, device):
        import torch

        self.torch = torch
        self.device = torch.device(device)
        self.is_cuda = self.device.type == "cuda"
        self.name = torch.cuda.get_device_name(self.device) if self.is_cuda else "CPU (PyTorch)"
        if self.is_cuda:
            # The first product loads the libraries, which must not count as work.
            warm = torch.ones((64, 64), dtype=torch.int8, device=self.device)
            torch._int_mm(warm, warm)
            torch.cuda.synchronize()

    def words(self, values):
        values = [value - (1 << 32) if value >= 1 << 31 else value for value in values]
        return self.torch.tensor(values, dtype=self.torch.int32, device=self.device)

    def constant(self, word, shape):
        word = word - (1 << 32) if word >= 1 << 31 else word
        return self.torch.full(shape, word, dtype=self.torch.int32, device=self.device)

    def as_entries(self, words):
        stacked = self.torch.stack(words, dim=-1).contiguous()
        return stacked.view(self.torch.int8).reshape(stacked.shape[0], -1)

    def join(self, parts):
        return self.torch.cat(parts, dim=0)

    def prepared(self, weights):
        # Tensor cores read the right factor by columns.
        return weights.t().contiguous().t() if self.is_cuda else weights.double()

    def product(self, entries, weights):
        if not self.is_cuda:
            # Exact: sums stay far below 2^53.
            return (entries.double() @ weights).to(self.torch.int32)
        rows = entries.shape[0]
        if rows <= 16:  # the integer product wants more than 16 rows
            padded = self.torch.zeros((32, entries.shape[1]), dtype=self.torch.int8, device=self.device)
            padded[:rows] = entries
            return self.torch._int_mm(padded, weights)[:rows]
        return self.torch._int_mm(entries.contiguous(), weights)

    def activation(self, sums, multiplier):
        multiplier = multiplier - (1 << 32) if multiplier >= 1 << 31 else multiplier
        return sums.mul_(multiplier).bitwise_right_shift_(24).to(self.torch.int8)

    def bytes(self, array):
        return array.contiguous().cpu().numpy().tobytes()

    def rows_of_bytes(self, array):
        return array.contiguous().cpu().numpy()


class NumPy:
    def __init__(self):
        import numpy

        self.numpy = numpy
        self.name = "CPU (NumPy)"

    def words(self, values):
        return self.numpy.array(values, dtype=self.numpy.uint32).view(self.numpy.int32)

    def constant(self, word, shape):
        return self.numpy.full(shape, word, dtype=self.numpy.uint32).view(self.numpy.int32)

    def as_entries(self, words):
        stacked = self.numpy.ascontiguousarray(self.numpy.stack(words, axis=-1))
        return stacked.view(self.numpy.int8).reshape(stacked.shape[0], -1)

    def join(self, parts):
        return self.numpy.concatenate(parts, axis=0)

    def prepared(self, weights):
        return weights.astype(self.numpy.float64)

    def product(self, entries, weights):
        return (entries.astype(self.numpy.float64) @ weights).astype(self.numpy.int32)

    def activation(self, sums, multiplier):
        product = sums.view(self.numpy.uint32) * self.numpy.uint32(multiplier)
        return (product.view(self.numpy.int32) >> 24).astype(self.numpy.int8)

    def bytes(self, array):
        return self.numpy.ascontiguousarray(array).tobytes()

    def rows_of_bytes(self, array):
        return self.numpy.ascontiguousarray(array)


def rotated(word, bits):
    # The shift to the right keeps the sign, so its copies are masked away.
    return (word << bits) | ((word >> (32 - bits)) & ((1 << bits) - 1))


def keystream(arrays, key, rows, count):
    """ChaCha20 (RFC 8439) from block 0, one stream for each row: int8 of shape (rows, count)."""
    blocks = (count + 63) // 64
    shape = (len(rows), blocks)
    counter = arrays.constant(0, shape) + arrays.words(range(blocks))[None, :]
    nonce = arrays.constant(0, shape) + arrays.words(rows)[:, None]
    constants = struct.unpack("<4I", b"expand 32-byte k")
    start = [arrays.constant(word, shape) for word in constants + struct.unpack("<8I", key)]
    start += [counter, nonce, arrays.constant(0, shape), arrays.constant(0, shape)]
    x = list(start)

    def quarter(a, b, c, d):
        x[a] = x[a] + x[b]
        x[d] = rotated(x[d] ^ x[a], 16)
        x[c] = x[c] + x[d]
        x[b] = rotated(x[b] ^ x[c], 12)
        x[a] = x[a] + x[b]
        x[d] = rotated(x[d] ^ x[a], 8)
        x[c] = x[c] + x[d]
        x[b] = rotated(x[b] ^ x[c], 7)

    for _ in range(10):
        for a in range(4):
            quarter(a, 4 + a, 8 + a, 12 + a)
        for a in range(4):
            quarter(a, 4 + (a + 1) % 4, 8 + (a + 2) % 4, 12 + (a + 3) % 4)
    return arrays.as_entries([word + first for word, first in zip(x, start)])[:, :count]


def matrix(arrays, key, rows, count):
    step = max(1, KEYSTREAM_BLOCKS_AT_A_TIME * 64 // count)
    parts = [keystream(arrays, key, rows[at : at + step], count) for at in range(0, len(rows), step)]
    return arrays.join(parts)


class Round:
    def __init__(self, arrays, challenge):
        self.arrays = arrays
        self.size, self.layers, _, _, _ = struct.unpack_from("<5I", challenge, 8)
        self.digest = hashlib.sha256(DOMAIN + challenge).digest()
        self.input_key = self.key(b"input")
        stream = keystream(arrays, self.key(b"multipliers"), [0], 4 * self.layers)
        words = struct.unpack(f"<{self.layers}I", arrays.bytes(stream))
        self.multipliers = [word | 1 for word in words]
        weights = matrix(arrays, self.key(b"weights"), list(range(self.size)), self.size)
        self.weights = arrays.prepared(weights)

    def key(self, name):
        return hashlib.sha256(DOMAIN + b" " + name + self.digest).digest()

    def leaves(self, pool):
        digests = []
        for at in range(0, self.size, ROWS_AT_A_TIME):
            rows = list(range(at, min(at + ROWS_AT_A_TIME, self.size)))
            entries = matrix(self.arrays, self.input_key, rows, self.size)
            for multiplier in self.multipliers:
                sums = self.arrays.product(entries, self.weights)
                entries = self.arrays.activation(sums, multiplier)
            final = self.arrays.rows_of_bytes(entries)
            starts = range(0, len(rows), LEAVES_AT_A_TIME)
            digests += pool.map(lambda start: self.some_leaves(rows, final, start), starts)
        return b"".join(digests)

    def some_leaves(self, rows, entries, start):
        digests = []
        for index in range(start, min(start + LEAVES_AT_A_TIME, len(rows))):
            digest = hashlib.sha256(b"\0" + self.digest + struct.pack("<I", rows[index]))
            digest.update(entries[index])
            digests.append(digest.digest())
        return b"".join(digests)

    def sums(self, rows):
        entries = matrix(self.arrays, self.input_key, rows, self.size)
        layers = []
        for multiplier in self.multipliers:
            sums = self.arrays.product(entries, self.weights)
            # Kept as bytes, because the next step works in place.
            layers.append(self.arrays.bytes(sums))
            entries = self.arrays.activation(sums, multiplier)
        width = 4 * self.size
        return b"".join(
            layer[index * width : (index + 1) * width] for index in range(len(rows)) for layer in layers
        )


def exactly(stream, count):
    data = stream.read(count)
    if len(data) != count:
        sys.exit(0)
    return data


def main():
    parser = argparse.ArgumentParser(description="arithmetic of the proof of GPU")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    device = parser.parse_args().device
    # Only replies go to standard output, whatever libraries print.
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def reply(status, payload):
        replies.write(struct.pack("<BQ", status, len(payload)) + payload)
        replies.flush()

    try:
        arrays = Torch("cuda:0") if device == "cuda" else NumPy()
    except Exception as error:  # no PyTorch, no driver, no device: told to whoever started us
        reply(1, str(error).encode()[:4096])
        return 1
    reply(0, arrays.name.encode()[:4096])
    current = None
    with ThreadPoolExecutor(max_workers=min(16, os.cpu_count() or 1)) as pool:
        while True:
            operation, challenge, count = struct.unpack("<B140sI", exactly(requests, 5 + CHALLENGE_BYTES))
            rows = list(struct.unpack(f"<{count}I", exactly(requests, 4 * count)))
            try:
                if current is None or current[0] != challenge:
                    current = None  # frees the old matrix first
                    current = (challenge, Round(arrays, challenge))
                payload = current[1].leaves(pool) if operation == 1 else current[1].sums(rows)
                if operation == 2:
                    current = None
                reply(0, payload)
            except Exception as error:
                current = None
                reply(1, f"{type(error).__name__}: {error}".encode()[:4096])


if __name__ == "__main__":
    sys.exit(main())
