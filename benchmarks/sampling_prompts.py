"""What both sides of the sampling benchmark complete: chat prompts of one length, out of this repository's
texts."""

from __future__ import annotations

from typing import Any

from benchmarks.environments import REPOSITORY

PROMPT_TOKENS = 512
COMPLETIONS = 8
NEW_TOKENS = 64
CHARACTERS_APART = 1500  # passages overlap, prompts do not begin alike


def prompts(tokenizer: Any, count: int) -> list[tuple[int, ...]]:
    """`count` prompts of PROMPT_TOKENS tokens each: a passage of the documentation with a task before it."""
    pages = sorted((REPOSITORY / "docs").glob("*.md"))
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return [_prompt(tokenizer, text[number * CHARACTERS_APART :]) for number in range(count)]


def _prompt(tokenizer: Any, passage: str) -> tuple[int, ...]:
    before, after = (
        "<|im_start|>user\nSay in one sentence what this is about.\n\n",
        "<|im_end|>\n<|im_start|>assistant\n",
    )
    begin, middle, end = (
        tokenizer(part, add_special_tokens=False)["input_ids"]
        for part in (before, passage[: 10 * PROMPT_TOKENS], after)
    )
    return (*begin, *middle[: PROMPT_TOKENS - len(begin) - len(end)], *end)
