"""One judge for both sides of benchmarks.ppo: a policy's completions, scored by the known reward model."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.ours.ppo import configuration
from benchmarks.ppo_work import LETTERS, PpoWork
from training.engine.algorithms.batching import collate
from training.engine.context import RunContext
from training.engine.events import EventLog
from training.engine.modeling import load_language_model, load_reward_model
from training.engine.passes import final_scores
from training.engine.ppo_setup import EncodedPrompt
from training.engine.precision import Precision
from training.engine.records import Message
from training.engine.rollouts import score_episodes, write_completions
from training.engine.stopping import StopFlag
from training.engine.tokenization import encode, load_tokenizer


def valid_prompts(work: PpoWork) -> list[EncodedPrompt]:
    """The prompts that no side learned on."""
    rows = json.loads(Path(work.prompts).read_text())
    return [
        EncodedPrompt(f"p{number}", (Message("user", row["text"]),), tuple(row["ids"]))
        for number, row in enumerate(rows)
        if row["split"] == "valid"
    ]


def mean_score(work: PpoWork, policy: Path) -> float:
    """The mean score of one completion per valid prompt."""
    tokenizer, config = load_tokenizer(Path(work.policy)), configuration(asdict(work), steps=1)
    with tempfile.TemporaryDirectory() as directory:
        events = EventLog(Path(directory) / "events.jsonl", attempt=1)
        context = RunContext(Path(directory), events, StopFlag(), Precision("float32", "cpu"))
        sampler = load_language_model(policy)
        episodes = write_completions(sampler, valid_prompts(work), tokenizer, config, context, stream="judge")
        reward_model = load_reward_model(Path(work.reward_model))
        return float(score_episodes(reward_model, episodes, tokenizer, config, context).mean())


@torch.no_grad()
def best_score(work: PpoWork) -> float:
    """The mean score of completions of letters alone."""
    tokenizer = load_tokenizer(Path(work.policy))
    text = LETTERS[: work.completion_tokens]
    sequences = [encode(tokenizer, prompt.messages, text) for prompt in valid_prompts(work)]
    return float(
        final_scores(load_reward_model(Path(work.reward_model)), collate(sequences, pad_id=0)).mean()
    )
