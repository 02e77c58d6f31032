"""What PPO works with: its five models, and its prompts in the order it uses them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from training.engine.adapters import prepare_training, without_adapters
from training.engine.algorithms.batching import shuffled
from training.engine.config import PpoConfig
from training.engine.config_ppo import BREAK_THE_RATIO
from training.engine.context import RunContext
from training.engine.errors import DataError
from training.engine.modeling import (
    ScalarModel,
    freeze_all_but_top,
    frozen_copy,
    load_policy,
    load_reward_model,
    sampling_copy,
)
from training.engine.records import Message, Prompt
from training.engine.sharding import shard
from training.engine.tokenization import encode_prompt


@dataclass(frozen=True)
class PpoModels:
    """policy: trained, float32. reference: the policy as it was at the start. sampler: the policy in the
    format it decodes fastest in. reward_model: frozen. value_model: trained, made from the reward model."""

    policy: Any
    reference: Any
    sampler: Any
    reward_model: ScalarModel
    value_model: ScalarModel


@dataclass(frozen=True)
class EncodedPrompt:
    """A prompt with its tokens."""

    prompt_id: str
    messages: tuple[Message, ...]
    prompt_ids: tuple[int, ...]


def load_models(config: PpoConfig, context: RunContext) -> PpoModels:
    """The policy and the reward model of the config, and what is made of them.

    With adapters, the reference is the policy without them and the value model learns beside the reward
    model's own weights: two sets of weights serve four models.
    """
    device = context.precision.device
    policy = load_policy(Path(config.policy)).to(device)
    freeze_all_but_top(policy, config.trainable_layers)
    reward_model = load_reward_model(Path(config.reward_model)).to(device)
    shared = reward_model.backbone.parameters() if config.lora_rank else ()
    value_model = copy.deepcopy(reward_model, memo={id(parameter): parameter for parameter in shared})
    value_model.backbone.get_input_embeddings().requires_grad_(not config.freeze_value_embeddings)
    prepare_training(policy.language_model, config)
    prepare_training(value_model.backbone, config)
    reference = without_adapters(policy) if config.lora_rank else frozen_copy(policy)
    sampler = sampling_copy(policy, context.precision.torch_dtype, context.processes)
    reward_model.requires_grad_(False)
    if context.processes.is_sharded:  # as the learners do with theirs; the sampler alone stays whole
        shard(reference, context.processes)
        shard(reward_model, context.processes)
    return PpoModels(policy, reference, sampler, reward_model, value_model)


def announce(models: PpoModels, context: RunContext) -> None:
    """Say which log-probabilities are used, and which of the policy's own sampling settings are not."""
    if are_kept_from_decoding(context):
        context.events.message("log-probabilities of completions are those of decoding, in float32")
    else:
        context.events.message(
            "log-probabilities of completions are computed again by the training pass: decoding in "
            f"{context.precision.dtype} rounds otherwise"
        )
    generation = models.policy.language_model.generation_config
    ignored = {
        name: value
        for name, value in (generation.to_diff_dict() if generation else {}).items()
        if name in BREAK_THE_RATIO | {"temperature"}
    }
    if ignored:
        settings = ", ".join(f"{name} {value}" for name, value in sorted(ignored.items()))
        context.events.message(
            f"the policy's generation_config.json sets {settings}; PPO ignores it and draws from "
            "softmax(logits / temperature), with the run's own temperature",
            level="warning",
        )


def are_kept_from_decoding(context: RunContext) -> bool:
    """Whether the log-probabilities of decoding equal those of the training pass, to rounding."""
    return context.precision.dtype == "float32"


def starting_weights(models: PpoModels) -> dict[str, Tensor]:
    """The policy's trained parameters as they are at the start: the reference's own tensors, which stay as
    they are, and copies of those that the reference does not have (adapters) or holds otherwise (shards)."""
    of_reference = dict(models.reference.named_parameters())
    return {
        name: of_reference[name].detach()
        if type(of_reference.get(name)) is type(parameter)
        else parameter.detach().clone()
        for name, parameter in models.policy.named_parameters()
        if parameter.requires_grad
    }


def load_prompts(
    tokenizer: Any, config: PpoConfig, context: RunContext
) -> tuple[list[EncodedPrompt], list[EncodedPrompt]]:
    """Train prompts to learn on and valid prompts to judge by."""
    records = context.required_records(Prompt)
    sets = {
        split: encode_prompts(
            [record for record in records if record.split == split],
            tokenizer,
            max_prompt_tokens=config.max_prompt_tokens,
        )
        for split in ("train", "valid")
    }
    left_out = sum(record.split in sets for record in records) - sum(
        len(prompts) for prompts in sets.values()
    )
    if left_out:
        context.events.message(
            f"{left_out} prompts are longer than max_prompt_tokens and are left out", level="warning"
        )
    if not sets["train"]:
        raise DataError(
            "the snapshot has no usable prompts of split train: add some, make a new snapshot and start again"
        )
    if not sets["valid"]:
        context.events.message(
            "no prompts of split valid: the policy is judged on train prompts", level="warning"
        )
    return sets["train"], (sets["valid"] or sets["train"])[: config.eval_prompts]


def encode_prompts(
    prompts: Sequence[Prompt], tokenizer: Any, *, max_prompt_tokens: int
) -> list[EncodedPrompt]:
    """Prompts with their tokens; those longer than `max_prompt_tokens` are left out."""
    encoded = [EncodedPrompt(p.prompt_id, p.messages, encode_prompt(tokenizer, p.messages)) for p in prompts]
    return [prompt for prompt in encoded if len(prompt.prompt_ids) <= max_prompt_tokens]


def prompts_of_step(prompts: Sequence[EncodedPrompt], config: PpoConfig, *, step: int) -> list[EncodedPrompt]:
    """The prompts of a step: passes over all of them in a new order each; a function of seed and step
    alone."""
    count = config.episodes_per_step
    chosen = []
    for position in range(step * count, (step + 1) * count):
        epoch, place = divmod(position, len(prompts))
        chosen.append((epoch, place))
    orders = {epoch: shuffled(len(prompts), seed=config.seed, epoch=epoch) for epoch, _ in chosen}
    return [prompts[orders[epoch][place]] for epoch, place in chosen]
