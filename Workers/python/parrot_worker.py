"""The smallest text worker: the answer to a prompt is the prompt. Needs Python's standard library alone.

    subnet node --serve inference --set worker.executable=/usr/bin/python3 \
        --set worker.arguments=/opt/workers/parrot_worker.py

A token is a byte, and token 256 ends the answer; so a character may be spread over tokens. With a temperature
above 0 each token is drawn from those of the prompt and the end.
"""

import hashlib

import subnet_worker
import text_worker

CONTEXT_TOKENS = 8192
END = 256


def drawn(tokens, seed, index):
    """One of `tokens`, by seed and position alone: another worker goes on with the same choices."""
    digest = hashlib.sha256(b"%d %d" % (seed, index)).digest()
    return tokens[int.from_bytes(digest[:8], "big") % len(tokens)]


def generate(request, call):
    prompt = request.prompt.encode()
    index = len(request.generated_tokens)
    if len(prompt) + index >= CONTEXT_TOKENS:
        raise subnet_worker.Status(
            subnet_worker.INVALID_ARGUMENT, f"prompt and answer have at most {CONTEXT_TOKENS} bytes"
        )
    tokens = list(prompt) + [END]
    while True:
        if request.temperature > 0:
            token = drawn(tokens, request.seed, index)
        else:
            token = tokens[min(index, len(prompt))]
        index += 1
        if token == END:
            yield text_worker.Token(END, finish_reason=text_worker.STOP)
            return
        is_full = len(prompt) + index >= CONTEXT_TOKENS
        yield text_worker.Token(token, bytes([token]), text_worker.LENGTH if is_full else "")


def load():
    return text_worker.Info("parrot", "parrot-1", CONTEXT_TOKENS), generate


if __name__ == "__main__":
    text_worker.serve("python-parrot", load, concurrent_calls=4)
