"""Trains the embedded model on the CPU and writes everything that is derived from it:

    config.json  model.safetensors  tokenizer.json  fixtures/{heldout.txt, words.txt, logits.json}

    pip install -r requirements.txt && python3 train.py

The run is made of a fixed number of steps from fixed seeds. It saves its state every 50 steps and goes on
from there when it is started again; `--export-only` writes the files from the state as it is.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pathlib
import struct
import time

import torch
from torch import nn
from torch.nn import functional

import generate_text
import tokenizer as tokenizers

HERE = pathlib.Path(__file__).resolve().parent

TRAINING_SEED, TRAINING_DOCUMENTS = 1, 36_000
HELDOUT_SEED, HELDOUT_BYTES_MAX = 2, 8_000
MERGES = 767  # 256 bytes + 767 merges + 1 end token = 1024 ids

CONFIG = {
    "model_type": "llama",
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "vocab_size": 256 + MERGES + 1,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "float16",
}


class RMSNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(CONFIG["hidden_size"]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.pow(2).mean(-1, keepdim=True)
        return x * torch.rsqrt(mean + CONFIG["rms_norm_eps"]) * self.weight


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        width = CONFIG["hidden_size"]
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        batch, length, width = x.shape
        shape = (batch, length, CONFIG["num_attention_heads"], -1)
        q = rotate(self.q_proj(x).view(shape).transpose(1, 2), rotation)
        k = rotate(self.k_proj(x).view(shape).transpose(1, 2), rotation)
        v = self.v_proj(x).view(shape).transpose(1, 2)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, width))


def rotate(x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Rotary positions: lane i of the first half of a head turns with lane i of the second half."""
    cosine, sine = rotation
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


class FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        width, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.input_layernorm, self.self_attn = RMSNorm(), Attention()
        self.post_attention_layernorm, self.mlp = RMSNorm(), FeedForward()

    def forward(self, x: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotation)
        return x + self.mlp(self.post_attention_layernorm(x))


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(CONFIG["vocab_size"], CONFIG["hidden_size"])
        self.layers = nn.ModuleList(Layer() for _ in range(CONFIG["num_hidden_layers"]))
        self.norm = RMSNorm()
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                into_residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                depth = math.sqrt(2 * CONFIG["num_hidden_layers"]) if into_residual else 1
                nn.init.normal_(parameter, std=0.03 / depth)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        rotation = rotation_table(ids.shape[1])
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, rotation)
        return self.norm(x) @ self.embed_tokens.weight.T


def rotation_table(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    half = CONFIG["hidden_size"] // CONFIG["num_attention_heads"] // 2
    frequency = CONFIG["rope_theta"] ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
    return angle.cos().float(), angle.sin().float()


# Text


def training_and_heldout() -> tuple[list[str], list[str]]:
    training = generate_text.documents(TRAINING_SEED, TRAINING_DOCUMENTS)
    seen, heldout, size = set(training), [], 0
    for document in generate_text.documents(HELDOUT_SEED, 200):
        if document not in seen and size + len(document) + 2 <= HELDOUT_BYTES_MAX:
            heldout.append(document)
            size += len(document) + 2
    return training, heldout


def joined(tokenizer: tokenizers.Tokenizer, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """All documents as one row of ids, an end token before each and after the last; and where each starts."""
    ids: list[int] = []
    starts: list[int] = []
    for text in texts:
        starts.append(len(ids))
        ids.append(tokenizer.end)
        ids += tokenizer.encode(text)
    ids.append(tokenizer.end)
    return torch.tensor(ids), torch.tensor(starts)


def heldout_loss(model: Model, tokenizer: tokenizers.Tokenizer, texts: list[str]) -> float:
    """Mean negative log likelihood per token, each document alone, its end token counted."""
    total, count = 0.0, 0
    with torch.no_grad():
        for text in texts:
            ids = torch.tensor([tokenizer.end, *tokenizer.encode(text), tokenizer.end])
            total += functional.cross_entropy(model(ids[None, :-1])[0], ids[1:], reduction="sum").item()
            count += len(ids) - 1
    return total / count


# Training


def train(model: Model, arguments: argparse.Namespace, tokenizer, training, heldout) -> None:
    ids, starts = joined(tokenizer, training)
    print(f"{len(ids)} training tokens, {sum(p.numel() for p in model.parameters())} parameters", flush=True)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=arguments.rate, betas=(0.9, 0.97), eps=1e-9)
    step = 0
    state_path = pathlib.Path(arguments.state)
    if state_path.exists():
        state = torch.load(state_path)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
        print(f"goes on after step {step}", flush=True)
    if arguments.export_only:
        return
    length, begun = CONFIG["max_position_embeddings"], time.monotonic()
    starts = starts[starts + length + 1 <= len(ids)]
    while step < arguments.steps:
        draw = torch.Generator().manual_seed(1_000_003 + step)
        chosen = starts[torch.randint(len(starts), (arguments.batch,), generator=draw)]
        rows = torch.stack([ids[start : start + length + 1] for start in chosen.tolist()])
        warm = min(1.0, (step + 1) / 50)
        cooled = 0.5 + 0.5 * math.cos(math.pi * step / arguments.steps)
        for group in optimizer.param_groups:
            group["lr"] = arguments.rate * warm * (0.02 + 0.98 * cooled)
        loss = functional.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 10 == 0:
            print(f"step {step} loss {loss.item():.4f} {time.monotonic() - begun:.0f} s", flush=True)
        if step % 50 == 0 or step == arguments.steps:
            partial = state_path.with_suffix(".part")
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
            torch.save(state, partial)
            os.replace(partial, state_path)
            print(f"held-out perplexity {math.exp(heldout_loss(model, tokenizer, heldout)):.3f}", flush=True)


# Export


def save_safetensors(path: pathlib.Path, tensors: dict[str, torch.Tensor]) -> None:
    """Layout: header length u64 little-endian | JSON header, padded with spaces to 8 bytes | tensor bytes."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name in sorted(tensors):
        data = tensors[name].detach().to(torch.float16).contiguous().numpy().tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F16", "shape": list(tensors[name].shape), "data_offsets": offsets}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def export(model: Model, tokenizer: tokenizers.Tokenizer, training: list[str], heldout: list[str]) -> None:
    (HERE / "fixtures").mkdir(exist_ok=True)
    tensors = {"model." + name: parameter for name, parameter in model.named_parameters()}
    save_safetensors(HERE / "model.safetensors", tensors)
    config = CONFIG | {"bos_token_id": tokenizer.end, "eos_token_id": tokenizer.end}
    (HERE / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokenizer.save(str(HERE / "tokenizer.json"))
    (HERE / "fixtures" / "heldout.txt").write_text("\n\n".join(heldout) + "\n")
    known = sorted({word for document in training for word in generate_text.words(document)})
    (HERE / "fixtures" / "words.txt").write_text("\n".join(known) + "\n")

    # The fixture speaks of the weights as they were rounded for the file.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.to(torch.float16).float())
        loss = heldout_loss(model, tokenizer, heldout)
        prompts = ["", "A subnet is", "Once upon a time", heldout[0]]
        cases = [logits_of(model, tokenizer, prompt) for prompt in prompts]
    strange = "caf\u00e9 \U0001f600  two  spaces\n\ttab 1234 antidisestablishmentarianismandmuchmore"
    encodings = [{"text": text, "ids": tokenizer.encode(text)} for text in [strange, heldout[1]]]
    fixture = {"heldout_perplexity": math.exp(loss), "cases": cases, "encodings": encodings}
    (HERE / "fixtures" / "logits.json").write_text(json.dumps(fixture, indent=1) + "\n")
    print(f"exported: perplexity of held-out text with rounded weights {math.exp(loss):.4f}")
    for prompt in ["A subnet is", "Once upon a time", "Hello", "What is a peer?"]:
        print("---", prompt + sample(model, tokenizer, prompt), sep="\n")


def logits_of(model: Model, tokenizer: tokenizers.Tokenizer, text: str) -> dict[str, object]:
    """All logits at the last position, and eight of them, ids 0, 146, 292, ..., at every position."""
    ids = [tokenizer.end, *tokenizer.encode(text)]
    logits = model(torch.tensor([ids]))[0]
    rounded = [[round(value, 5) for value in row] for row in logits[:, :1023:146].tolist()]
    last = [round(value, 5) for value in logits[-1].tolist()]
    return {"text": text, "ids": ids, "last": last, "probes": rounded, "best": logits.argmax(-1).tolist()}


def sample(model: Model, tokenizer: tokenizers.Tokenizer, prompt: str, count: int = 120) -> str:
    ids = [tokenizer.end, *tokenizer.encode(prompt)]
    draw, begin = torch.Generator().manual_seed(7), len(ids)
    with torch.no_grad():
        while len(ids) < begin + count:
            chances = torch.softmax(model(torch.tensor([ids]))[0, -1] / 0.8, 0)
            ids.append(int(torch.multinomial(chances, 1, generator=draw)))
            if ids[-1] == tokenizer.end:
                break
    return tokenizer.decode(ids[begin:]).decode(errors="replace")


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the embedded model and writes its files.")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--state", default=str(HERE.parent / ".build" / "embedded-model.state"))
    parser.add_argument("--export-only", action="store_true")
    arguments = parser.parse_args()
    pathlib.Path(arguments.state).parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    training, heldout = training_and_heldout()
    tokenizer = tokenizers.train(training, MERGES)
    model = Model()
    train(model, arguments, tokenizer, training, heldout)
    export(model, tokenizer, training, heldout)


if __name__ == "__main__":
    main()
