"""How good a model is that learns texts: its loss on valid ones, or what a reward model says of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.engine.algorithms.batching import TokenSequence
from training.engine.config import PretrainConfig, SftConfig
from training.engine.context import RunContext
from training.engine.errors import DataError
from training.engine.modeling import Policy, load_reward_model, refresh, sampling_copy, trainable_state
from training.engine.optimization import Best
from training.engine.ppo_setup import encode_prompts
from training.engine.records import Prompt
from training.engine.rollouts import score_episodes, write_completions
from training.engine.text_passes import mean_loss

TEXTS_SHOWN = 4


class Validation:
    """Finds the best step of a run: the lowest loss on valid texts, or the highest score of the policy's own
    completions of valid prompts, which InstructGPT chooses by (C.1)."""

    def __init__(
        self,
        policy: Policy,
        texts: Sequence[TokenSequence],
        config: SftConfig | PretrainConfig,
        context: RunContext,
        tokenizer: Any,
    ) -> None:
        self.policy, self.texts = policy, texts
        self.config, self.context, self.tokenizer = config, context, tokenizer
        self.judge: Judge | None = None
        if isinstance(config, SftConfig) and config.select_by == "reward_model":
            self.judge = Judge(policy, config, context, tokenizer)
        self.name = "valid_score" if self.judge else "valid_loss"
        self.is_possible = bool(texts or self.judge)

    def better_of(self, best: Best | None, *, step: int) -> Best:
        """The policy as it is now if it does better than `best`, else `best`."""
        figures = {}
        if self.texts:
            pad_id = self.tokenizer.pad_token_id
            figures["valid/loss"] = mean_loss(
                self.policy, self.texts, self.config, self.context, pad_id=pad_id
            )
        if self.judge:
            figures |= self.judge.figures(step=step)
        self.context.events.metrics(step, figures)
        value = figures[self.name.replace("_", "/", 1)]
        if best and not (value > best.value if self.judge else value < best.value):
            return best
        return Best(step, value, trainable_state(self.policy))


class Judge:
    """A reward model on a policy's own completions of the snapshot's valid prompts."""

    def __init__(self, policy: Policy, config: SftConfig, context: RunContext, tokenizer: Any) -> None:
        valid = [prompt for prompt in context.records(Prompt) if prompt.split == "valid"]
        encoded = encode_prompts(valid, tokenizer, max_prompt_tokens=config.max_tokens)
        self.prompts = encoded[: config.eval_prompts]
        if not self.prompts:
            raise DataError(
                "select_by: the snapshot has no prompts of split valid for the policy to answer; add some "
                "and make a new snapshot, or use valid_loss"
            )
        self.policy, self.config, self.context, self.tokenizer = policy, config, context, tokenizer
        self.sampler = sampling_copy(policy, context.precision.torch_dtype, context.processes)
        reward_model = load_reward_model(Path(str(config.reward_model)))
        self.reward_model = reward_model.to(context.precision.device).requires_grad_(False)

    def figures(self, *, step: int) -> dict[str, float]:
        """Of one completion per prompt, from a random stream that is the same at every step; shows a few."""
        config, context, tokenizer = self.config, self.context, self.tokenizer
        refresh(self.sampler, self.policy)
        stream = f"{config.seed}/valid"
        episodes = write_completions(self.sampler, self.prompts, tokenizer, config, context, stream=stream)
        scores = score_episodes(self.reward_model, episodes, tokenizer, config, context)
        for episode, score in list(zip(episodes, scores.tolist(), strict=True))[:TEXTS_SHOWN]:
            prompt = "\n\n".join(message.content for message in episode.prompt.messages)
            context.events.text(step, prompt, episode.text, score)
        return {
            "valid/score": float(scores.mean()),
            "valid/length": sum(len(e.sequence.completion_ids) for e in episodes) / len(episodes),
            "valid/eos_rate": sum(episode.has_eos for episode in episodes) / len(episodes),
        }
