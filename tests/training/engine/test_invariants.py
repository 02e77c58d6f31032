"""What must not change a result: padding, micro-batches, the way a text arrives."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from tests.training.engine import snapshots
from tests.training.engine.conftest import CONTEXT
from training.engine.algorithms.batching import TokenSequence, collate, microbatches, shuffled
from training.engine.config import PpoConfig, SftConfig
from training.engine.modeling import (
    freeze_all_but_top,
    frozen_copy,
    load_policy,
    load_reward_model,
    refresh,
    sampling_copy,
)
from training.engine.optimization import Learner
from training.engine.passes import completion_logprobs, completion_values, final_scores, per_token, score_all
from training.engine.ppo_setup import PpoModels, encode_prompts, prompts_of_step
from training.engine.ppo_update import split_evenly
from training.engine.recipes import sft as sft_recipe
from training.engine.rollouts import Episode, score_episodes
from training.engine.tokenization import encode, encode_completion

PPO = PpoConfig(kind="ppo", policy="", reward_model="", trainable_layers=None, minibatches=2)
TEXTS = ["ab", "a longer text than the others", "xyz", "", "mm", "seven ", "of eight", "last"]


@pytest.fixture
def policy(tiny_model):
    return load_policy(tiny_model)


@pytest.fixture
def episodes(tokenizer):
    prompts = encode_prompts(snapshots.prompts(), tokenizer, max_prompt_tokens=100)
    return [
        Episode(
            prompt,
            TokenSequence(prompt.prompt_ids, encode_completion(tokenizer, text)),
            logprobs=(),
            text=text,
            has_eos=True,
        )
        for prompt, text in zip(prompts, TEXTS, strict=False)
    ]


@pytest.fixture
def models(policy, tiny_reward_model):
    freeze_all_but_top(policy, None)
    reward_model = load_reward_model(tiny_reward_model).requires_grad_(False)
    value_model = load_reward_model(tiny_reward_model)
    return PpoModels(policy, frozen_copy(policy), policy.language_model, reward_model, value_model)


def gradients(model):
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


def test_micro_batches_hold_every_row_once_and_keep_to_the_budget():
    lengths = [5, 100, 7, 7, 30, 1, 64]

    batches = microbatches(lengths, tokens_per_microbatch=64)

    assert sorted(row for batch in batches for row in batch) == list(range(7))
    assert all(len(b) == 1 or len(b) * max(lengths[r] for r in b) <= 64 for b in batches)
    assert batches[0] == [1]


def test_minibatches_are_even_and_never_empty():
    assert [len(part) for part in split_evenly(range(10), 4)] == [2, 3, 2, 3]
    assert [len(part) for part in split_evenly(range(3), 8)] == [1, 1, 1]


def test_an_order_is_a_permutation_that_changes_with_epoch_and_seed():
    assert sorted(shuffled(50, seed=1, epoch=0)) == list(range(50))
    assert shuffled(50, seed=1, epoch=0) == shuffled(50, seed=1, epoch=0)
    assert len({tuple(shuffled(50, seed=s, epoch=e)) for s in (1, 2) for e in (0, 1)}) == 4


def test_every_prompt_is_used_once_before_any_is_used_again(tokenizer):
    prompts = encode_prompts(snapshots.prompts(), tokenizer, max_prompt_tokens=100)

    config = replace(PPO, episodes_per_step=4)
    used = [p.prompt_id for step in range(3) for p in prompts_of_step(prompts, config, step=step)]

    assert len(prompts) == 12
    assert sorted(used) == sorted(p.prompt_id for p in prompts)


def test_logprobs_values_and_scores_do_not_depend_on_padding_or_on_company(models, episodes, tokenizer):
    sequences = [episode.sequence for episode in episodes]
    passes = [
        partial(completion_logprobs, models.policy, temperature=0.8),
        partial(completion_values, models.value_model),
    ]
    for batch_pass in passes:
        alone = per_token(
            batch_pass, sequences, CONTEXT, pad_id=tokenizer.pad_token_id, tokens_per_microbatch=16
        )
        together = per_token(
            batch_pass, sequences, CONTEXT, pad_id=tokenizer.pad_token_id, tokens_per_microbatch=10_000
        )
        other_pad = per_token(batch_pass, sequences, CONTEXT, pad_id=65, tokens_per_microbatch=10_000)

        torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-5)
        assert torch.equal(together, other_pad)

    one_by_one = score_all(models.reward_model, sequences, CONTEXT, pad_id=0, tokens_per_microbatch=16)
    torch.testing.assert_close(
        one_by_one,
        score_all(models.reward_model, sequences, CONTEXT, pad_id=70, tokens_per_microbatch=10_000),
        atol=1e-5,
        rtol=1e-5,
    )


def test_logprobs_equal_the_models_own_logits(policy, episodes, tokenizer):
    sequence = episodes[1].sequence
    ids = torch.tensor([sequence.prompt_ids + sequence.completion_ids])

    ours = completion_logprobs(policy, collate([sequence], pad_id=0), temperature=0.8)

    logits = policy.language_model(input_ids=ids).logits / 0.8
    start = len(sequence.prompt_ids)
    expected = torch.log_softmax(logits[0, start - 1 : -1], -1).gather(-1, ids[0, start:, None])[:, 0]
    torch.testing.assert_close(ours[0], expected, atol=1e-5, rtol=1e-5)


def test_a_rollout_scores_as_the_same_text_does_in_a_snapshot(models, episodes, tokenizer):
    from_rollout = score_episodes(models.reward_model, episodes, tokenizer, PPO, CONTEXT)

    for episode, score in zip(episodes, from_rollout.tolist(), strict=True):
        sequence = encode(tokenizer, episode.prompt.messages, episode.text)
        assert final_scores(models.reward_model, collate([sequence], pad_id=0)).item() == pytest.approx(
            score, abs=1e-5
        )


def test_loss_and_gradients_of_a_batch_do_not_depend_on_the_micro_batches(tiny_model, tokenizer):
    def accumulated(budget):
        config = SftConfig(kind="sft", policy="", tokens_per_microbatch=budget)
        model = load_policy(tiny_model)
        learner = Learner(model, learning_rate=1e-3, max_grad_norm=1.0)
        batch = [
            encode(tokenizer, d.messages, d.completion * n) for n, d in enumerate(snapshots.demonstrations())
        ]
        return sft_recipe.accumulate_loss(learner, batch, config, CONTEXT, pad_id=0), gradients(model)

    (loss, grads), (other_loss, other_grads) = accumulated(16), accumulated(100_000)

    assert loss == pytest.approx(other_loss, rel=1e-5)
    for one, two in zip(grads, other_grads, strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-4)


def test_the_reference_stays_and_the_sampler_follows_when_the_policy_trains(tiny_model):
    policy = load_policy(tiny_model)
    freeze_all_but_top(policy, 1)
    reference, sampler = frozen_copy(policy), sampling_copy(policy, torch.bfloat16)
    trained = [name for name, p in policy.named_parameters() if p.requires_grad]

    with torch.no_grad():
        for parameter in policy.parameters():
            if parameter.requires_grad:
                parameter.add_(1.0)
    refresh(sampler, policy)

    weights = dict(policy.named_parameters())
    assert trained
    assert all(
        name.startswith(("language_model.model.layers.1.", "language_model.model.norm")) for name in trained
    )
    for name, parameter in reference.named_parameters():
        assert torch.equal(parameter, weights[name]) is (name not in trained)
        assert (parameter is weights[name]) is (name not in trained)
        assert not parameter.requires_grad
    for name, parameter in sampler.named_parameters():
        assert torch.equal(parameter, weights[f"language_model.{name}"].bfloat16())
