"""Reward models with the tokenizers they were trained with, asked about texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from training.engine.algorithms.batching import TokenSequence
from training.engine.context import RunContext
from training.engine.modeling import ScalarModel, load_reward_model
from training.engine.passes import score_all
from training.engine.records import Completion
from training.engine.tokenization import encode, load_tokenizer


@dataclass(frozen=True)
class Judge:
    """A reward model and its tokenizer: members of an ensemble may read the same text as different tokens."""

    reward_model: ScalarModel
    tokenizer: Any

    def read(self, completions: Sequence[Completion]) -> list[TokenSequence]:
        """The completions after their prompts as tokens, as in the reward model's own training."""
        return [encode(self.tokenizer, c.messages, c.completion) for c in completions]

    def score(
        self, sequences: Sequence[TokenSequence], context: RunContext, *, tokens_per_microbatch: int
    ) -> Tensor:
        """Scores of sequences that it has read, (sequences,)."""
        return score_all(
            self.reward_model,
            sequences,
            context,
            pad_id=self.tokenizer.pad_token_id,
            tokens_per_microbatch=tokens_per_microbatch,
        )


def load_judge(directory: Path, *, device: str) -> Judge:
    """The judge in a directory that a reward_model run wrote."""
    model = load_reward_model(directory).requires_grad_(False).to(device)
    return Judge(model, load_tokenizer(directory))
