"""The work of benchmarks.ppo: models and prompts that both sides read from the disk, and its size."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.engine.records import Message
from training.engine.tiny import make_tiny_model
from training.engine.tokenization import encode_prompt, load_tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True)
class PpoWork:
    """What both sides do. steps: None is one step a request. tokens_per_microbatch: ours only, TRL takes
    a minibatch at once; eval_prompts: ours only, before the first step."""

    policy: str
    reward_model: str
    prompts: str
    output: str
    episodes: int
    completion_tokens: int
    inner_epochs: int
    dtype: str = "float32"
    minibatches: int = 1
    learning_rate: float = 3e-6
    kl_coef: float = 0.02
    missing_eos_penalty: float = 1.0
    steps: int | None = None
    tokens_per_microbatch: int = 1024
    eval_prompts: int = 1
    seed: int = 0


def make_tiny_llama(directory: Path, smollm2: Path) -> None:
    """A random Llama of 4 layers, width 256, SmolLM2's 49,152 tokens, tied embeddings: 16.8M parameters."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = load_tokenizer(smollm2)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def make_scorer(directory: Path, policy: Path) -> None:
    """A classifier with one label and a random head on a policy's transformer: a reward model for both."""
    import torch
    from transformers import AutoModelForSequenceClassification

    tokenizer = load_tokenizer(policy)
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(policy, num_labels=1, dtype=torch.float32)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def make_known_reward(directory: Path, policy: Path) -> None:
    """A tiny policy of bytes, and a reward model whose score is known: it grows with the share of letters."""
    import torch

    from training.engine.modeling import new_reward_model, save_reward_model

    make_tiny_model(policy)
    tokenizer = load_tokenizer(policy)
    model = new_reward_model(policy, layers=1, seed=0)
    letters = tokenizer(LETTERS, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        embeddings = model.backbone.get_input_embeddings().weight
        embeddings.zero_()
        embeddings[letters, 0] = 1.0  # dimension 0 says "letter" and nothing else
        embeddings[:, 1] = 4.0  # the size against which the last norm measures it, the same everywhere
        layer = model.backbone.layers[0]
        for module in (layer.mlp, layer.self_attn):
            for parameter in module.parameters():
                parameter.zero_()
        layer.self_attn.v_proj.weight[0, 0] = 1.0  # every position averages dimension 0 over all before it
        layer.self_attn.o_proj.weight[0, 0] = 8.0
        model.head_weight.zero_()
        model.head_weight[0] = 1.0
    save_reward_model(model, tokenizer, directory)


def write_prompts(path: Path, policy: Path, *, count: int, tokens: int) -> None:
    """`count` prompts of random words, each exactly `tokens` tokens with its chat template."""
    tokenizer = load_tokenizer(policy)
    words = [
        token[1:]
        for token in sorted(tokenizer.get_vocab())
        if token.startswith("\u0120") and token[1:].isascii() and token[1:].isalpha() and token[1:].islower()
    ]
    chance = random.Random(0)
    prompts: list[dict[str, Any]] = []
    while len(prompts) < count:
        text = chance.choice(words)
        while len(ids := encode_prompt(tokenizer, (Message("user", text),))) < tokens:
            text += " " + chance.choice(words)
        if len(ids) == tokens:
            prompts.append({"text": text, "ids": ids, "split": "train"})
    prompts.append(prompts[0] | {"split": "valid"})
    path.write_text(json.dumps(prompts))


def write_short_prompts(path: Path, policy: Path, *, train: int, valid: int) -> None:
    """Prompts for the tiny policy of bytes; a side learns on train and is judged on valid."""
    tokenizer = load_tokenizer(policy)
    prompts = [
        {
            "text": (text := f"Say {number:03}"),
            "ids": encode_prompt(tokenizer, (Message("user", text),)),
            "split": "train" if number < train else "valid",
        }
        for number in range(train + valid)
    ]
    path.write_text(json.dumps(prompts))
