"""Messages and texts to token ids and back: the one place where the chat template is applied.

Sampling, supervised training, the reward model and PPO all go through these functions, so that a text is
scored on the same tokens wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.engine.algorithms.batching import TokenSequence
from training.engine.errors import DataError
from training.engine.records import Message


def load_tokenizer(directory: Path) -> Any:
    """The tokenizer of a model directory. DataError when it could not be trained with."""
    from transformers import AutoTokenizer

    check_model_directory(directory, "policy")
    tokenizer = AutoTokenizer.from_pretrained(str(directory))
    if not tokenizer.chat_template:
        raise DataError(f"the tokenizer in {directory} has no chat template; save one with it")
    if tokenizer.eos_token_id is None or tokenizer.pad_token_id is None:
        raise DataError(f"the tokenizer in {directory} needs an eos_token and a pad_token")
    if tokenizer.eos_token_id == tokenizer.pad_token_id:
        raise DataError(
            f"the tokenizer in {directory} uses {tokenizer.eos_token!r} both as eos_token and as pad_token: "
            "an end could not be told from padding. Save it with another pad_token"
        )
    return tokenizer


def render_prompt(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The conversation as the model sees it, up to where the assistant's turn begins."""
    turns = [{"role": message.role, "content": message.content} for message in messages]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def encode_prompt(tokenizer: Any, messages: Sequence[Message]) -> tuple[int, ...]:
    """Token ids of `render_prompt`. The template writes every special token, so none is added."""
    return tuple(tokenizer(render_prompt(tokenizer, messages), add_special_tokens=False)["input_ids"])


def encode_completion(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Token ids of a completion and its EOS, where scores are read and where the assistant's turn ends."""
    return (*tokenizer(text, add_special_tokens=False)["input_ids"], int(tokenizer.eos_token_id))


def encode(tokenizer: Any, messages: Sequence[Message], completion: str) -> TokenSequence:
    """A prompt and its completion, EOS included."""
    return TokenSequence(encode_prompt(tokenizer, messages), encode_completion(tokenizer, completion))


def decode_completion(tokenizer: Any, token_ids: Sequence[int]) -> str:
    """The text of sampled tokens, without special tokens: what people read. NUL becomes the replacement
    character, because a PostgreSQL text cannot hold it."""
    text = tokenizer.decode(list(token_ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return str(text).replace("\0", "\N{REPLACEMENT CHARACTER}")


def check_model_directory(directory: Path, field_name: str) -> None:
    """DataError naming the config field when there is no model; transformers would look for it on the hub."""
    if not (directory / "config.json").is_file():
        raise DataError(
            f"{field_name}: {directory} is not a model directory (it has no config.json). Name a Hugging "
            "Face directory, for example one made by: python -m training.engine convert-smollm2 DIRECTORY"
        )
