"""The methods of a text worker, `info` and `generate`: what a node that serves Inference asks of its model.

The normative text is docs/protocols/worker-wire.md, "The methods of a text worker". This module needs
`subnet_worker` and Python's standard library alone. A worker in a screenful:

    import text_worker

    def load():
        model = ...  # takes its time; the node waits for it
        return text_worker.Info("my model", model.fingerprint, model.context_tokens), generate

    def generate(request, call):
        for number, text, is_end in ...:  # what follows on request.prompt and request.generated_tokens
            yield text_worker.Token(number, text.encode(), text_worker.STOP if is_end else "")

    text_worker.serve("my-worker", load)

`generate` takes a `Request` and a `subnet_worker.Call` and yields a `Token` for each token behind those that
are known already. It need not count: it is closed once the answer has the length that was asked for. What it
may raise, and when it looks at `call.cancelled`, is said in `subnet_worker`. An example: `parrot_worker.py`.
"""

import dataclasses
import struct

import subnet_worker

STOP, LENGTH = "stop", "length"


@dataclasses.dataclass
class Info:
    """What callers learn about the model."""

    # For people.
    model: str
    # Workers with equal fingerprints give equal answers to equal requests.
    fingerprint: str
    # Longest sequence, prompt and answer together, in tokens.
    context_tokens: int


@dataclasses.dataclass
class Request:
    """What `generate` is asked for."""

    prompt: str = ""
    # Of the whole answer, `generated_tokens` included.
    max_new_tokens: int = 0
    # 0 takes the likeliest token.
    temperature: float = 0.0
    # 0 is no limit.
    top_k: int = 0
    # 0 and 1 are no limit.
    top_p: float = 0.0
    seed: int = 0
    # The beginning of the answer, which another worker may have written.
    generated_tokens: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Token:
    """The next token of an answer."""

    # Its number in the vocabulary.
    token: int
    # The bytes that the answer grows by: perhaps a part of a character, perhaps none.
    text: bytes = b""
    # `STOP` when the model ended the answer with this token, `LENGTH` when no more of it fits.
    finish_reason: str = ""


def decode_request(payload):
    """Decodes a `GenerateRequest`. Fields that it does not know are skipped."""
    request = Request()
    try:
        for number, kind, value in subnet_worker.read_fields(payload):
            if (number, kind) == (1, 2):
                request.prompt = value.decode()
            elif (number, kind) == (2, 0):
                request.max_new_tokens = value & 0xFFFFFFFF
            elif (number, kind) == (3, 5):
                (request.temperature,) = struct.unpack("<f", value)
            elif (number, kind) == (4, 0):
                request.top_k = value & 0xFFFFFFFF
            elif (number, kind) == (5, 5):
                (request.top_p,) = struct.unpack("<f", value)
            elif (number, kind) == (6, 0):
                request.seed = value
            elif (number, kind) == (7, 0):
                request.generated_tokens.append(value & 0xFFFFFFFF)
            elif (number, kind) == (7, 2):
                at = 0
                while at < len(value):
                    token, at = subnet_worker.read_varint(value, at)
                    request.generated_tokens.append(token & 0xFFFFFFFF)
    except (subnet_worker.WireError, UnicodeDecodeError) as error:
        raise subnet_worker.Status(
            subnet_worker.INVALID_ARGUMENT, f"the request cannot be read: {error}"
        ) from error
    return request


def encode_info(info, concurrent_calls):
    """Encodes an `InfoResponse`."""
    return (
        subnet_worker.field(1, info.model)
        + subnet_worker.field(2, info.fingerprint)
        + subnet_worker.field(3, info.context_tokens)
        + subnet_worker.field(4, concurrent_calls)
    )


def encode_token(index, token):
    """Encodes a `GenerateResponse`: `token` at position `index` of the answer."""
    return (
        subnet_worker.field(1, index)
        + subnet_worker.field(2, token.token)
        + subnet_worker.field(3, bytes(token.text))
        + subnet_worker.field(4, token.finish_reason)
    )


def methods(info, generate, concurrent_calls=1):
    """The methods of a text worker, for `subnet_worker.serve`."""
    description = encode_info(info, concurrent_calls)

    def answer_info(payload, call):
        yield description

    def answer_generate(payload, call):
        request = decode_request(payload)
        index = len(request.generated_tokens)
        if index >= request.max_new_tokens:
            raise subnet_worker.Status(subnet_worker.INVALID_ARGUMENT, "no token is left to generate")
        for token in generate(request, call):
            if not token.finish_reason and index + 1 >= request.max_new_tokens:
                token = dataclasses.replace(token, finish_reason=LENGTH)
            yield encode_token(index, token)
            if token.finish_reason:
                return
            index += 1
        raise subnet_worker.Status(subnet_worker.INTERNAL, "the model ended the answer without a last token")

    return {"info": answer_info, "generate": answer_generate}


def serve(name, load, concurrent_calls=1, facts=None):
    """Runs a text worker until the node asks for shutdown.

    `load` loads the model and returns its `Info` and its `generate`. The node refuses more than
    `concurrent_calls` calls at once. `facts`, texts by name, are for the operator of the node.
    """
    subnet_worker.serve(
        name,
        {},
        info={"kind": "text", **(facts or {})},
        calls_max=concurrent_calls,
        load=lambda: methods(*load(), concurrent_calls=concurrent_calls),
    )
