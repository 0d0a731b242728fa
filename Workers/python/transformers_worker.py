"""A worker for a causal language model of Hugging Face transformers. Needs `torch` and `transformers`.

    python3 transformers_worker.py --model PATH_OR_NAME [--device cpu|cuda] [--dtype float32|bfloat16]

Method `generate`: the payload is JSON,

    {"prompt": str, "max_new_tokens": int, "temperature": float, "top_k": int, "top_p": float, "seed": int}

(all but `prompt` optional; temperature 0 is greedy); each item is JSON {"token": int, "text": str}. `text` is
what the answer grew by: it may be empty while a character is incomplete, and the items joined are the answer.
The random number for the token at position n depends on (seed, n) alone, so an answer that another worker
continues from prompt, tokens so far and seed is the same answer: pass those tokens as "tokens": [int, ...].

One call runs at a time; more wait in the node, which gets a busy error to pass on.
"""

import argparse
import json

import subnet_worker


def load(arguments):
    """Loads the model; returns the methods."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise SystemExit(f"transformers_worker needs torch and transformers: {error}")

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model = AutoModelForCausalLM.from_pretrained(
        arguments.model, torch_dtype=getattr(torch, arguments.dtype)
    ).to(arguments.device)
    model.eval()
    limit = getattr(model.config, "max_position_embeddings", None) or 1 << 20

    def pick(logits, request, position):
        temperature = float(request.get("temperature", 0))
        if temperature <= 0:
            return int(logits.argmax())
        logits = logits.float() / temperature
        top_k = int(request.get("top_k", 0))
        if 0 < top_k < logits.numel():
            logits = logits.masked_fill(logits < logits.topk(top_k).values[-1], float("-inf"))
        top_p = float(request.get("top_p", 1))
        if 0 < top_p < 1:
            ordered, indices = logits.sort(descending=True)
            before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
            logits = logits.index_fill(0, indices[before >= top_p], float("-inf"))
        generator = torch.Generator().manual_seed(
            (int(request.get("seed", 0)) * 0x9E3779B97F4A7C15 + position) % (1 << 63)
        )
        return int(torch.multinomial(logits.softmax(-1).cpu(), 1, generator=generator))

    def generate(payload, call):
        try:
            request = json.loads(payload)
            prompt = request["prompt"]
            budget = int(request.get("max_new_tokens", 64))
            answer = [int(token) for token in request.get("tokens", [])]
        except (ValueError, KeyError, TypeError) as error:
            raise subnet_worker.Status(subnet_worker.INVALID_ARGUMENT, f"not a request: {error}")
        tokens = tokenizer(prompt).input_ids + answer
        if not tokens or budget < 1 or len(tokens) + budget > limit:
            raise subnet_worker.Status(
                subnet_worker.INVALID_ARGUMENT, f"prompt and answer must fit in {limit} tokens"
            )
        shown = tokenizer.decode(answer, skip_special_tokens=True)
        cache = None
        feed = tokens
        with torch.inference_mode():
            for position in range(len(tokens), len(tokens) + budget):
                if call.cancelled:
                    raise subnet_worker.Cancelled()
                output = model(
                    input_ids=torch.tensor([feed], device=arguments.device),
                    past_key_values=cache,
                    use_cache=True,
                )
                cache = output.past_key_values
                token = pick(output.logits[0, -1], request, position)
                if token == tokenizer.eos_token_id:
                    return
                answer.append(token)
                text = tokenizer.decode(answer, skip_special_tokens=True)
                # A token may end inside a character, which decodes to U+FFFD until it is complete.
                grown = "" if text.endswith("\ufffd") else text[len(shown) :]
                if grown:
                    shown = text
                yield json.dumps({"token": token, "text": grown}).encode()
                feed = [token]

    return {"generate": generate}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
    arguments = parser.parse_args()
    subnet_worker.serve(
        "transformers",
        {},
        info={"model": arguments.model, "device": arguments.device, "dtype": arguments.dtype},
        calls_max=1,
        load=lambda: load(arguments),
    )


if __name__ == "__main__":
    main()
