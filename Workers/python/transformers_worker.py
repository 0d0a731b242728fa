"""A text worker for a causal language model of Hugging Face transformers. Needs `torch` and `transformers`.

    python3 transformers_worker.py --model PATH_OR_NAME [--device cpu|cuda] [--dtype float32|float16|bfloat16]

Its methods are those of docs/protocols/worker-wire.md, so that a node serves Inference with it:

    worker:
      executable: /opt/venv/bin/python3
      arguments: [/opt/workers/transformers_worker.py, --model, /opt/models/NAME]

The text of a token is what the answer grew by, without a character that is incomplete. The random number for
the token at position n depends on (seed, n) alone, and the tokens of an answer that is continued are read one
by one, as they were written: an answer that another worker of equal fingerprint continues is the same answer.

One call runs at a time; the node refuses more, and its callers go elsewhere or come back.
"""

import argparse
import hashlib
import json
import os
import platform

import subnet_worker
import text_worker


def growth(shown, text, is_last):
    """What an answer that is now `text` grows by, and what of it is shown then.

    A token may end inside a character, which decodes to U+FFFD until it is complete; whole characters before
    it are shown at once. So what is shown follows from the tokens alone, and a worker that continues an
    answer at any token sends exactly the rest.
    """
    if not is_last:
        text = text.rstrip("\ufffd")
    return text[len(shown) :], text


def fingerprint(torch, transformers, model, tokenizer, arguments):
    """Names all that the choice of a token depends on: the weights, the vocabulary, and who computes how.

    Another version or machine may round otherwise and so choose otherwise: better no worker to go on with an
    answer than one that goes on differently.
    """
    config = model.config.to_dict()
    config.pop("_name_or_path", None)  # where the model lies is not what it is
    if arguments.device.startswith("cuda"):
        device = torch.cuda.get_device_name(arguments.device)
    else:
        device = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()} {torch.get_num_threads()}"
    backend = getattr(tokenizer, "backend_tokenizer", None)
    vocabulary = backend.to_str() if backend is not None else sorted(tokenizer.get_vocab().items())
    versions = [torch.__version__, transformers.__version__]
    facts = [config, vocabulary, versions, device, arguments.dtype]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def load(arguments):
    """Loads the model; returns what it is and its generator."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise SystemExit(f"transformers_worker needs torch and transformers: {error}")

    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.model)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        arguments.model, torch_dtype=getattr(torch, arguments.dtype)
    ).to(arguments.device)
    model.eval()
    limit = getattr(model.config, "max_position_embeddings", None) or 1 << 20
    vocabulary = model.get_input_embeddings().num_embeddings

    def text_of(tokens):
        return tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def pick(logits, request, index):
        if request.temperature <= 0:
            return int(logits.argmax())
        # The largest becomes 0: no temperature makes it overflow.
        logits = logits.float()
        logits = (logits - logits.max()) / max(request.temperature, 1e-6)
        if 0 < request.top_k < logits.numel():
            logits = logits.masked_fill(logits < logits.topk(request.top_k).values[-1], float("-inf"))
        if 0 < request.top_p < 1:
            ordered, indices = logits.sort(descending=True)
            before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
            logits = logits.index_fill(0, indices[before >= request.top_p], float("-inf"))
        generator = torch.Generator().manual_seed((request.seed * 0x9E3779B97F4A7C15 + index) % (1 << 63))
        return int(torch.multinomial(logits.softmax(-1).cpu(), 1, generator=generator))

    def generate(request, call):
        prompt = tokenizer(request.prompt).input_ids
        answer = list(request.generated_tokens)
        if not prompt or len(prompt) + len(answer) >= limit:
            raise subnet_worker.Status(
                subnet_worker.INVALID_ARGUMENT, f"prompt and answer must have 1 to {limit} tokens"
            )
        # On a GPU a number that is none would end the whole process.
        if any(token >= vocabulary for token in answer):
            raise subnet_worker.Status(
                subnet_worker.INVALID_ARGUMENT, f"tokens are numbers below {vocabulary}"
            )
        _, shown = growth("", text_of(answer), is_last=False)
        cache = None
        unread = [prompt] + [[token] for token in answer]
        with torch.inference_mode():
            while True:
                for tokens in unread:
                    if call.cancelled:
                        raise subnet_worker.Cancelled()
                    output = model(
                        input_ids=torch.tensor([tokens], device=arguments.device),
                        past_key_values=cache,
                        use_cache=True,
                    )
                    cache = output.past_key_values
                token = pick(output.logits[0, -1], request, len(answer))
                answer.append(token)
                unread = [[token]]
                reason = ""
                if token == tokenizer.eos_token_id:
                    reason = text_worker.STOP
                elif len(prompt) + len(answer) >= limit:
                    reason = text_worker.LENGTH
                is_last = bool(reason) or len(answer) >= request.max_new_tokens
                grown, shown = growth(shown, text_of(answer), is_last)
                yield text_worker.Token(token, grown.encode(), reason)

    # A path says things about this machine that are not for callers.
    name = arguments.model
    if os.path.isdir(name):
        name = os.path.basename(os.path.abspath(name))
    identity = fingerprint(torch, transformers, model, tokenizer, arguments)
    return text_worker.Info(name, identity, limit), generate


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
    arguments = parser.parse_args()
    text_worker.serve(
        "transformers",
        lambda: load(arguments),
        facts={"model": arguments.model, "device": arguments.device, "dtype": arguments.dtype},
    )


if __name__ == "__main__":
    main()
