"""The update of PPO against its definition, on episodes that the policy really wrote."""

from dataclasses import replace

import pytest
import torch

from tests.training.engine import snapshots
from tests.training.engine.conftest import context_of
from training.engine.algorithms.batching import TokenSequence
from training.engine.config import PpoConfig
from training.engine.corpus import load_corpus
from training.engine.errors import DataError
from training.engine.modeling import frozen_copy, load_policy, load_reward_model
from training.engine.optimization import Learner
from training.engine.ppo_evaluation import distinct_pairs
from training.engine.ppo_setup import PpoModels, encode_prompts, starting_weights
from training.engine.ppo_update import (
    Totals,
    accumulate_policy_gradients,
    accumulate_value_gradients,
    minibatches_of_step,
    update,
)
from training.engine.pretraining_mix import add_pretraining_gradients, load_mix, pieces
from training.engine.records import Document, write_records
from training.engine.rollouts import Scales, episode_logprobs, make_rollout, score_episodes, write_completions

PPO = PpoConfig(
    kind="ppo",
    policy="",
    reward_model="",
    trainable_layers=None,
    minibatches=2,
    max_new_tokens=9,
    temperature=0.8,
    policy_learning_rate=1e-3,
    value_learning_rate=1e-3,
    ptx_tokens=8,
)


@pytest.fixture
def context(new_run):
    run = new_run()
    texts = [Document(f"{'abcdefgh'[n % 8]} is letter {n} of {'xyz' * (n % 3)}") for n in range(40)]
    write_records(run / "snapshot" / "corpus.parquet", texts)
    return context_of(run)


@pytest.fixture
def models(tiny_model, tiny_reward_model):
    policy = load_policy(tiny_model)
    reward_model = load_reward_model(tiny_reward_model).requires_grad_(False)
    value_model = load_reward_model(tiny_reward_model)
    return PpoModels(policy, frozen_copy(policy), policy.language_model, reward_model, value_model)


@pytest.fixture
def episodes(models, tokenizer, context):
    prompts = encode_prompts(snapshots.prompts(), tokenizer, max_prompt_tokens=100)
    written = write_completions(models.sampler, prompts, tokenizer, PPO, context, stream="0")
    # A random model hardly ever ends; cutting some completions makes their lengths differ.
    return [
        replace(
            episode,
            sequence=TokenSequence(episode.sequence.prompt_ids, episode.sequence.completion_ids[:length]),
            logprobs=episode.logprobs[:length],
        )
        for episode, length in zip(written, [9, 1, 4, 9, 2, 7, 3, 9, 5, 1, 8, 6], strict=True)
    ]


@pytest.fixture
def rollout(models, episodes, tokenizer, context):
    scores = score_episodes(models.reward_model, episodes, tokenizer, PPO, context)
    return make_rollout(models, episodes, scores, tokenizer, Scales(1.0, 0.05), PPO, context)


@pytest.fixture
def policy(models):
    return Learner(models.policy, learning_rate=1e-3, max_grad_norm=1.0)


@pytest.fixture
def value(models):
    return Learner(models.value_model, learning_rate=1e-3, max_grad_norm=1.0)


def gradients(learner):
    return [None if p.grad is None else p.grad.clone() for p in learner.parameters]


def close(ones, others):
    for one, other in zip(ones, others, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_the_first_minibatch_has_ratio_one_and_no_divergence(policy, rollout, context):
    totals = Totals()

    accumulate_policy_gradients(policy, rollout, [0, 3, 5, 1], PPO, context, totals=totals, pad_id=0)

    assert totals.ratio_max == pytest.approx(1.0, abs=1e-5)
    assert totals.sums["policy/approx_kl"] == pytest.approx(0.0, abs=1e-6)
    assert totals.sums["policy/clip_fraction"] == 0
    torch.testing.assert_close(rollout.logprobs, rollout.ref_logprobs, atol=1e-5, rtol=0)


def test_logprobs_of_decoding_are_those_of_the_training_pass_in_float32_and_not_used_in_bfloat16(
    models, episodes, tokenizer, context, rollout
):
    computed = episode_logprobs(models.policy, episodes, tokenizer, PPO, context)
    torch.testing.assert_close(rollout.logprobs, computed, atol=1e-5, rtol=0)

    forgotten = [replace(episode, logprobs=()) for episode in episodes]
    bfloat16 = replace(context, precision=replace(context.precision, dtype="bfloat16"))
    scores = torch.zeros(len(episodes))
    again = make_rollout(models, forgotten, scores, tokenizer, Scales(1.0, 0.05), PPO, bfloat16)

    assert (again.logprobs - computed).abs().max() < 0.5
    assert (again.logprobs != 0).sum() == again.completion_mask.sum()


def test_gradients_are_those_of_the_definition_and_do_not_depend_on_micro_batches_or_padding(
    policy, value, rollout, context
):
    minibatch = [7, 1, 4, 10, 0]
    moved = replace(
        rollout,
        logprobs=rollout.logprobs - 0.15 * torch.randn(rollout.logprobs.shape).abs(),
        values=rollout.values + 0.3,
    )
    expected = definition(policy, value, moved, minibatch)

    for budget, pad_id in ((16, 0), (100, 70), (10_000, 65)):
        config = replace(PPO, tokens_per_microbatch=budget)
        totals = Totals()
        accumulate_policy_gradients(policy, moved, minibatch, config, context, totals=totals, pad_id=pad_id)
        accumulate_value_gradients(value, moved, minibatch, config, context, totals=totals, pad_id=pad_id)

        close(gradients(policy) + gradients(value), expected)
        assert totals.policy_tokens == totals.value_tokens == 9 + 1 + 2 + 8 + 9
        policy.take_gradients()
        value.take_gradients()


def definition(policy, value, rollout, minibatch):
    """One sequence at a time: sums over its completion's tokens, divided by those of the minibatch."""
    tokens = sum(len(rollout.sequences[row].completion_ids) for row in minibatch)
    policy_loss, value_loss = torch.zeros(()), torch.zeros(())
    for row in minibatch:
        sequence = rollout.sequences[row]
        ids = torch.tensor([sequence.prompt_ids + sequence.completion_ids])
        start, length = len(sequence.prompt_ids), len(sequence.completion_ids)
        logits = policy.model.language_model(input_ids=ids).logits[0, start - 1 : -1] / PPO.temperature
        logprobs = logits.log_softmax(-1).gather(-1, ids[0, start:, None])[:, 0]
        values = value.model(ids)[0, start - 1 : -1]
        for t in range(length):
            ratio = (logprobs[t] - rollout.logprobs[row, t]).exp()
            advantage = rollout.advantages[row, t]
            policy_loss -= torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage) / tokens
            old, wanted = rollout.values[row, t], rollout.returns[row, t]
            near = old + (values[t] - old).clamp(-0.2, 0.2)
            value_loss += 0.5 * torch.max((values[t] - wanted) ** 2, (near - wanted) ** 2) / tokens
    policy_loss.backward()
    value_loss.backward()
    found = gradients(policy) + gradients(value)
    policy.take_gradients()
    value.take_gradients()
    return found


def test_each_inner_epoch_has_every_episode_once_in_an_order_of_its_own():
    config = replace(PPO, inner_epochs=3, minibatches=4)

    planned = list(minibatches_of_step(10, config, step=5))

    epochs = [[row for _, rows in planned[i : i + 4] for row in rows] for i in (0, 4, 8)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert [seen for seen, _ in planned] == [150 + s for s in (0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27)]


def test_pretraining_gradients_are_added_to_those_of_ppo_and_both_norms_are_said(
    policy, rollout, context, tokenizer
):
    config = replace(PPO, ptx_coef=3.0, ptx_ratio=2.0)
    corpus = load_mix(config, context, tokenizer)
    texts = pieces(corpus, config, seen=0, episodes=3)
    accumulate_policy_gradients(policy, rollout, [0, 1, 2], config, context, totals=Totals(), pad_id=0)
    of_ppo = gradients(policy)

    figures = add_pretraining_gradients(policy, texts, config, context, pad_id=0)

    together = gradients(policy)
    policy.take_gradients()
    loss = mean_loss_per_token(policy.model.language_model, texts)
    (3.0 * loss).backward()
    of_ptx = gradients(policy)
    assert sum(len(text.completion_ids) for text in texts) == 3 * 2 * 8
    close(together, [one + other for one, other in zip(of_ppo, of_ptx, strict=True)])
    assert figures["ptx/loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert figures["ptx/ppo_grad_norm"] == pytest.approx(norm(of_ppo), rel=1e-4)
    assert figures["ptx/grad_norm"] == pytest.approx(norm(of_ptx), rel=1e-4)


def mean_loss_per_token(language_model, texts):
    losses = []
    for text in texts:
        ids = torch.tensor([text.prompt_ids + text.completion_ids])
        logits = language_model(input_ids=ids).logits[0, :-1]
        losses.append(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none"))
    return torch.cat(losses).mean()


def norm(tensors):
    return torch.cat([tensor.flatten() for tensor in tensors]).norm().item()


def test_pieces_follow_each_other_through_the_corpus_whatever_the_minibatches(context, tokenizer):
    config = replace(PPO, ptx_coef=1.0, ptx_ratio=1.5)
    corpus = load_corpus(context, tokenizer, seed=0, max_tokens=9).train

    def tokens(texts):
        return [token for text in texts for token in text.completion_ids]

    one_by_one = [t for seen in range(6) for t in tokens(pieces(corpus, config, seen=seen, episodes=1))]

    assert one_by_one == tokens(pieces(corpus, config, seen=0, episodes=6))
    assert len(one_by_one) == 9 * 8


def test_pretraining_without_a_corpus_says_what_to_do(new_run, tokenizer):
    context = context_of(new_run("other"))

    assert load_mix(PPO, context, tokenizer) is None
    with pytest.raises(DataError, match=r"ptx_coef: 27\.8 .* no corpus: register .* Or set ptx_coef to 0"):
        load_mix(replace(PPO, ptx_coef=27.8), context, tokenizer)


def test_the_value_model_can_learn_alone_first(policy, value, rollout, context):
    config = replace(PPO, value_warmup_steps=2)
    before = [[p.detach().clone() for p in learner.parameters] for learner in (policy, value)]

    figures = update(policy, value, rollout, None, config, context, step=1, pad_id=0)

    assert all(torch.equal(one, p) for one, p in zip(before[0], policy.parameters, strict=True))
    assert not all(torch.equal(one, p) for one, p in zip(before[1], value.parameters, strict=True))
    assert "policy/loss" not in figures
    assert figures["policy/ratio_max"] == 1.0
    first = update(policy, value, rollout, None, config, context, step=2, pad_id=0)
    assert first["policy/grad_norm"] > 0
    assert policy.optimizer.param_groups[0]["lr"] == pytest.approx(0.25 * 1e-3)  # its own warm-up begins here


def test_the_starting_weights_are_the_references_own(models):
    weights = starting_weights(models)

    of_reference = dict(models.reference.named_parameters())
    assert weights.keys() == {name for name, p in models.policy.named_parameters() if p.requires_grad}
    assert all(tensor.data_ptr() == of_reference[name].data_ptr() for name, tensor in weights.items())


def test_pairs_of_tokens_that_repeat_are_not_distinct():
    assert distinct_pairs([[1, 2, 3], [1, 2, 4]]) == 3 / 4
    assert distinct_pairs([[7, 7, 7, 7, 7]]) == 1 / 4
    assert distinct_pairs([[1]]) == 0.0


def test_the_policys_own_sampling_settings_are_ignored_and_named(models, context):
    from training.engine.events import read_events
    from training.engine.ppo_setup import announce

    models.policy.language_model.generation_config.update(top_p=0.9, temperature=0.6)

    announce(models, context)

    said, warned = read_events(context.directory / "events.jsonl")
    assert said["text"] == "log-probabilities of completions are those of decoding, in float32"
    assert "sets temperature 0.6, top_p 0.9; PPO ignores it" in warned["text"]
