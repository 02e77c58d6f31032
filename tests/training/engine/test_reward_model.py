"""The reward model's loss is the paper's, however it is computed, and it learns what there is to learn."""

import dataclasses
import json
import math
import random
from itertools import combinations

import pytest
import torch
from torch.nn.functional import logsigmoid
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.training.engine import snapshots
from tests.training.engine.conftest import CONTEXT, attempt
from training.engine.algorithms.batching import TokenSequence, collate
from training.engine.config import RewardModelConfig
from training.engine.events import read_events
from training.engine.examples import EncodedRanking
from training.engine.modeling import load_reward_model
from training.engine.optimization import Learner
from training.engine.passes import (
    GroupPass,
    final_scores,
    group_pass,
    packed_scores,
    padded_scores,
)
from training.engine.recipes.reward_model import accumulate_loss
from training.engine.records import Ranking, write_records
from training.engine.shared_prefix import Group, enable
from training.engine.tokenization import encode, encode_completion, encode_prompt
from training.simulation import accuracy_allowed_by_noise, scale_for_agreement

PACKED = GroupPass(packed_scores, is_packed=True)
PADDED = GroupPass(padded_scores, is_packed=False)


@pytest.fixture
def rankings(tokenizer):
    """K = 2, 4 and 9, with ties, of different lengths."""
    chance = random.Random(0)
    return [
        EncodedRanking(
            Group(
                encode_prompt(tokenizer, snapshots.messages(10**number)),
                tuple(
                    encode_completion(tokenizer, "".join(chance.choices("abcd", k=chance.randint(0, 9))))
                    for _ in places
                ),
            ),
            torch.tensor(places),
        )
        for number, places in enumerate([(2, 1), (2, 1, 3, 1), (4, 1, 2, 8, 5, 3, 7, 6, 6)])
    ]


def loss_and_gradients(directory, way, rankings, **settings):
    model = load_reward_model(directory)
    assert enable(model.backbone)
    learner = Learner(model, learning_rate=1e-3, max_grad_norm=1.0)
    config = RewardModelConfig(kind="reward_model", policy="", **settings)
    loss, _ = accumulate_loss(learner, way, rankings, config, CONTEXT)
    return loss, gradients(model)


def gradients(model):
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def rows_of(ranking):
    """One row per completion, each after the prompt."""
    return [TokenSequence(ranking.group.prefix_ids, ids) for ids in ranking.group.completions]


def pair_losses(model, ranking):
    """-log sigmoid(r_chosen - r_rejected) of each non-tied pair, each by two rows of its own: what pairs
    cost elsewhere."""
    rows, places = rows_of(ranking), ranking.places.tolist()
    losses = []
    for one, other in combinations(range(len(rows)), 2):
        if places[one] != places[other]:
            pair = (one, other) if places[one] < places[other] else (other, one)
            chosen, rejected = final_scores(model, collate([rows[i] for i in pair], pad_id=0))
            losses.append(-logsigmoid(chosen - rejected))
    return losses


def assert_same(found, expected, *, relative=1e-5):
    (loss, grads), (expected_loss, expected_grads) = found, expected
    assert loss == pytest.approx(float(torch.as_tensor(expected_loss).detach()), rel=relative)
    assert grads.keys() == expected_grads.keys()
    size = torch.stack([gradient.norm() for gradient in expected_grads.values()]).norm()
    for name, gradient in expected_grads.items():
        assert (grads[name] - gradient).norm() <= relative * size


@pytest.mark.parametrize("way", [PACKED, PADDED], ids=["prompt shared", "one row per completion"])
@pytest.mark.parametrize("pair_norm", ["ranking", "pairs"])
def test_one_forward_per_completion_gives_the_gradients_of_the_expanded_pairs(
    tiny_reward_model, rankings, way, pair_norm
):
    expanded = load_reward_model(tiny_reward_model)
    losses = [pair_losses(expanded, ranking) for ranking in rankings]
    if pair_norm == "ranking":
        expected = sum(torch.stack(own).mean() for own in losses) / len(rankings)
    else:
        expected = torch.stack([loss for own in losses for loss in own]).mean()
    expected.backward()

    found = loss_and_gradients(tiny_reward_model, way, rankings, pair_norm=pair_norm)

    assert [len(own) for own in losses] == [1, 5, 35]
    assert_same(found, (expected, gradients(expanded)))


def test_the_loss_and_its_gradients_do_not_depend_on_the_micro_batches(tiny_reward_model, rankings):
    at_once = loss_and_gradients(tiny_reward_model, PACKED, rankings, tokens_per_microbatch=10_000)

    for budget in (16, 120):
        cut = loss_and_gradients(tiny_reward_model, PACKED, rankings, tokens_per_microbatch=budget)
        assert_same(cut, at_once)


def test_the_score_of_a_completion_is_the_one_that_ppo_reads(tiny_reward_model, rankings):
    model = load_reward_model(tiny_reward_model)
    way = group_pass(model, CONTEXT)
    rows = [row for ranking in rankings for row in rows_of(ranking)]

    scores = way.scores(model, [ranking.group for ranking in rankings])

    assert way.scores is packed_scores
    assert all(row.completion_ids[-1] == 2 for row in rows)  # the end of the turn
    torch.testing.assert_close(
        scores, final_scores(load_reward_model(tiny_reward_model), collate(rows, pad_id=0)), atol=1e-5, rtol=0
    )


def test_a_saved_reward_model_read_at_the_end_by_transformers_alone_scores_as_ours(
    new_run, tiny_model, tokenizer
):
    run = new_run(kind="reward_model", policy=str(tiny_model), learning_rate=1e-3)
    attempt(run)
    prompt, completions = snapshots.messages(3), ["abc", "a much longer completion", ""]

    theirs = AutoModelForSequenceClassification.from_pretrained(run / "model", dtype=torch.float32).eval()
    their_tokenizer = AutoTokenizer.from_pretrained(run / "model")
    found = []
    for completion in completions:
        turns = [{"role": m.role, "content": m.content} for m in prompt]
        turns.append({"role": "assistant", "content": completion})
        text = their_tokenizer.apply_chat_template(turns, tokenize=False)
        text = text[: text.rindex(their_tokenizer.eos_token) + len(their_tokenizer.eos_token)]
        batch = their_tokenizer(text, add_special_tokens=False, return_tensors="pt")
        with torch.no_grad():
            found.append(theirs(**batch).logits[0, 0])
    model = load_reward_model(run / "model")
    with torch.no_grad():
        ours = torch.cat(
            [
                final_scores(model, collate([encode(tokenizer, prompt, completion)], pad_id=0))
                for completion in completions
            ]
        )

    assert theirs.config.num_labels == 1
    assert theirs.config.score_bias == model.score_bias.item() != 0
    torch.testing.assert_close(ours, torch.stack(found) - theirs.config.score_bias, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(ours[1:] - ours[0], torch.stack(found[1:]) - found[0], atol=1e-6, rtol=1e-6)


def judged(score, noise_scale, *, prompts, seed):
    """Rankings of 4 to 9 random texts by a known score plus Gumbel noise, and the scores."""
    chance = random.Random(seed)
    rankings, slates = [], []
    for prompt in prompts:
        texts = ["".join(chance.choices("abcdefgh", k=6)) for _ in range(chance.randint(4, 9))]
        slates.append([score(text) for text in texts])
        seen = [s - noise_scale * math.log(-math.log(chance.random())) for s in slates[-1]]
        best_first = sorted(set(seen if noise_scale else slates[-1]), reverse=True)
        values = seen if noise_scale else slates[-1]
        rankings.append(
            Ranking(
                f"r-{prompt.prompt_id}",
                prompt.prompt_id,
                prompt.messages,
                tuple(texts),
                tuple(best_first.index(value) + 1 for value in values),
                prompt.split,
                "ann",
                "simulated",
            )
        )
    return rankings, slates


def known_score(text):
    """The mean of what its letters are worth: a 0, b 1, … h 7."""
    return sum("abcdefgh".index(letter) for letter in text) / len(text)


def trained_on(rankings, new_run, tiny_model, *, name="run", **settings):
    run = new_run(
        name,
        kind="reward_model",
        policy=str(tiny_model),
        freeze_embeddings=False,
        tokens_per_microbatch=4096,
        **settings,
    )
    write_records(run / "snapshot" / "rankings.parquet", rankings)
    attempt(run)
    return run, json.loads((run / "result.json").read_text())["metrics"]


def test_a_transformer_that_cannot_share_prompts_is_trained_all_the_same(new_run, tiny_model, monkeypatch):
    monkeypatch.setattr("training.engine.passes.enable", lambda _backbone: False)

    run, metrics = trained_on(snapshots.rankings(), new_run, tiny_model)

    assert 0 <= metrics["valid_accuracy"] <= 1
    assert any("cannot share" in event.get("text", "") for event in read_events(run / "events.jsonl"))


def test_held_out_annotators_measure_and_never_train(new_run, tiny_model):
    people = snapshots.rankings(of=snapshots.prompts(12, 6))
    usable = [r for r in people if len(set(r.places)) > 1]
    contrary = [
        dataclasses.replace(
            r,
            ranking_id=f"h-{r.ranking_id}",
            places=tuple(max(r.places) + 1 - place for place in r.places),
            annotator_group="held_out",
        )
        for r in people
    ]

    _, alone = trained_on(people, new_run, tiny_model)
    _, metrics = trained_on([*contrary, *people], new_run, tiny_model, name="with_held_out")

    assert metrics["rankings"] == sum(r.split == "train" for r in usable) == alone["rankings"]
    assert metrics["held_out_rankings"] == sum(r.split == "valid" for r in usable)
    assert metrics["valid_log_loss"] == alone["valid_log_loss"]
    assert metrics["held_out_accuracy"] == pytest.approx(1 - metrics["valid_accuracy"])
    assert not any(name.startswith("held_out") for name in alone)


def test_a_known_order_is_recovered_on_rankings_it_has_not_seen(new_run, tiny_model):
    rankings, _ = judged(known_score, 0.0, prompts=snapshots.prompts(160, 40), seed=1)

    _, metrics = trained_on(rankings, new_run, tiny_model, learning_rate=5e-3, epochs=3)

    assert metrics["valid_tau"] >= 0.8
    assert metrics["valid_accuracy"] >= 0.9
    assert metrics["valid_accuracy_low"] <= metrics["valid_accuracy"] <= metrics["valid_accuracy_high"]


@pytest.mark.slow
def test_under_noise_it_comes_within_two_points_of_the_most_that_the_noise_allows(new_run, tiny_model):
    prompts = snapshots.prompts(600, 300)
    _, slates = judged(known_score, 0.0, prompts=prompts, seed=2)
    scale = scale_for_agreement(slates, 0.73)
    rankings, slates = judged(known_score, scale, prompts=prompts, seed=2)

    _, metrics = trained_on(rankings, new_run, tiny_model, learning_rate=3e-3, epochs=1)

    allowed = accuracy_allowed_by_noise(slates, scale)
    assert 0.75 < allowed < 0.85
    assert metrics["valid_accuracy"] >= allowed - 0.02
