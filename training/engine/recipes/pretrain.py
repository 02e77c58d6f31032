"""Pretraining: the supervised recipe on plain text, in which every token of a document counts."""

from __future__ import annotations

from pathlib import Path

from training.engine.config import PretrainConfig
from training.engine.context import RunContext
from training.engine.recipes.sft import learn
from training.engine.tokenization import load_tokenizer
from training.engine.training_texts import documents


def train(config: PretrainConfig, context: RunContext) -> None:
    tokenizer = load_tokenizer(Path(config.policy))
    texts = documents(config, context, tokenizer)
    if not texts.valid:
        context.events.message(
            "the corpus has fewer than 20 documents, none is held out: the last step is saved, not the best",
            level="warning",
        )
    learn(config, context, tokenizer, texts)
