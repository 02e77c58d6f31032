"""What supervised fine-tuning and pretraining learn from: the texts of each step, a function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from training.engine.algorithms.batching import TokenSequence, shuffled
from training.engine.config import PretrainConfig, SftConfig
from training.engine.context import RunContext
from training.engine.corpus import TextStream, load_corpus
from training.engine.errors import DataError
from training.engine.examples import encoded_demonstrations


@dataclass(frozen=True)
class TrainingTexts:
    """batch: the texts of a step, a function of the step alone, so that resuming needs no sampler state.
    figures: what result.json says of the texts."""

    steps: int
    batch: Callable[[int], list[TokenSequence]]
    valid: list[TokenSequence]
    figures: Mapping[str, float]


def demonstrations(config: SftConfig, context: RunContext, tokenizer: Any) -> TrainingTexts:
    """Demonstrations in a new order each epoch, with `pretrain_mix` of each step's tokens from the corpus."""
    train, left_out = encoded_demonstrations(context, tokenizer, split="train", max_tokens=config.max_tokens)
    valid, _ = encoded_demonstrations(context, tokenizer, split="valid", max_tokens=config.max_tokens)
    if not train:
        raise DataError(
            f"the snapshot has no demonstrations of split train within max_tokens ({config.max_tokens}): "
            "write some, make a new snapshot and start the run again"
        )
    steps_per_epoch = math.ceil(len(train) / config.batch_size)
    mix = None
    if config.pretrain_mix:
        corpus = load_corpus(context, tokenizer, seed=config.seed, max_tokens=config.max_tokens)
        mix = Mix(corpus.train, config.pretrain_mix)

    def batch(step: int) -> list[TokenSequence]:
        epoch, place = divmod(step, steps_per_epoch)
        order = shuffled(len(train), seed=config.seed, epoch=epoch)
        first, end = place * config.batch_size, (place + 1) * config.batch_size
        chosen = [train[row] for row in order[first:end]]
        if mix is None:
            return chosen
        before = epoch * token_count(train) + token_count([train[row] for row in order[:first]])
        return chosen + mix.texts(before, token_count(chosen))

    figures = {
        "demonstrations": len(train),
        "left_out": left_out,
        "valid_demonstrations": len(valid),
    }
    return TrainingTexts(config.epochs * steps_per_epoch, batch, valid, figures)


def documents(config: PretrainConfig, context: RunContext, tokenizer: Any) -> TrainingTexts:
    """The corpus as it comes, `tokens_per_step` tokens a step; every 20th document is for measuring."""
    corpus = load_corpus(context, tokenizer, seed=config.seed, max_tokens=config.max_tokens)
    total = config.epochs * len(corpus.train)
    size = config.tokens_per_step

    def batch(step: int) -> list[TokenSequence]:
        return corpus.train.span(step * size, min(size, total - step * size))

    valid_tokens = min(config.eval_tokens, len(corpus.valid))
    figures = {
        "documents": corpus.train.documents,
        "tokens": len(corpus.train),
        "valid_tokens": valid_tokens,
    }
    return TrainingTexts(math.ceil(total / size), batch, corpus.valid.span(0, valid_tokens), figures)


@dataclass(frozen=True)
class Mix:
    """Text of a corpus beside other text: `share` of all tokens (Ouyang 2022, C.3: 10 %)."""

    stream: TextStream
    share: float

    def texts(self, before: int, count: int) -> list[TokenSequence]:
        """What goes with `count` tokens of other text, of which there were `before` in earlier steps.

        Rounded over all steps together, so that small batches get their share too.
        """
        start = self._tokens_with(before)
        return self.stream.span(start, self._tokens_with(before + count) - start)

    def _tokens_with(self, others: int) -> int:
        return round(others * self.share / (1 - self.share))


def token_count(texts: list[TokenSequence]) -> int:
    """Tokens that the loss counts."""
    return sum(len(text.completion_ids) for text in texts)
