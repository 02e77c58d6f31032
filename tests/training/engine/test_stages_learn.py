"""Each stage learns what it is for, and what it saves opens with transformers."""

import json
import math

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from tests.training.engine import snapshots
from tests.training.engine.conftest import CONTEXT, attempt
from training.engine.algorithms.batching import collate
from training.engine.events import read_events
from training.engine.modeling import load_policy, load_reward_model, new_reward_model, save_reward_model
from training.engine.passes import final_scores, score_all
from training.engine.records import Demonstration, Ranking, write_records
from training.engine.tokenization import encode


def result_of(run):
    return json.loads((run / "result.json").read_text())


def metrics_of(run, name):
    return [
        e["values"][name]
        for e in read_events(run / "events.jsonl")
        if e["type"] == "metrics" and name in e["values"]
    ]


def test_sft_learns_the_demonstrations_and_their_end(new_run, tiny_model):
    run = new_run(kind="sft", policy=str(tiny_model), learning_rate=5e-3, batch_size=4, epochs=30)

    attempt(run)

    losses = metrics_of(run, "train/loss")
    assert losses[0] == pytest.approx(math.log(259), abs=0.5)
    assert losses[-1] < 2.0
    result = result_of(run)
    assert (result["kind"], result["model"]) == ("sft", "model")
    assert result["metrics"]["valid_loss"] == min(metrics_of(run, "valid/loss"))
    AutoModelForCausalLM.from_pretrained(run / "model")
    assert AutoTokenizer.from_pretrained(run / "model").chat_template


def test_sft_saves_the_step_with_the_lowest_valid_loss(new_run, tiny_model):
    run = new_run(
        kind="sft",
        policy=str(tiny_model),
        learning_rate=0.5,
        batch_size=8,
        epochs=4,
        eval_every=1,
        warmup_steps=0,
    )

    attempt(run)

    losses = metrics_of(run, "valid/loss")
    assert result_of(run)["step"] == 1 + losses.index(min(losses)) < 4


def test_the_reward_model_learns_a_known_order(new_run, tiny_model):
    run = new_run(
        kind="reward_model", policy=str(tiny_model), learning_rate=3e-3, epochs=6, freeze_embeddings=False
    )
    people = snapshots.prompts(60, 20)
    write_records(run / "snapshot" / "rankings.parquet", snapshots.rankings(of=people))

    attempt(run)

    metrics = result_of(run)["metrics"]
    assert metrics["valid_accuracy"] > 0.85
    assert metrics["valid_accuracy_low"] <= metrics["valid_accuracy"] <= metrics["valid_accuracy_high"]
    assert metrics["valid_log_loss"] < math.log(2)
    usable = [r for r in snapshots.rankings(of=people) if len(set(r.places)) > 1]
    assert metrics["rankings"] == sum(r.split == "train" for r in usable)
    assert metrics["all_tied"] == 80 - len(usable)


def test_demonstrations_score_zero_on_average(new_run, tiny_model, tokenizer):
    run = new_run(kind="reward_model", policy=str(tiny_model), learning_rate=1e-3)

    attempt(run)

    model = load_reward_model(run / "model")
    sequences = [
        encode(tokenizer, d.messages, d.completion) for d in snapshots.demonstrations() if d.split == "train"
    ]
    assert score_all(
        model, sequences, CONTEXT, pad_id=0, tokens_per_microbatch=500
    ).mean().item() == pytest.approx(0, abs=1e-4)


def test_without_demonstrations_the_ranked_completions_score_zero_and_a_message_says_so(
    new_run, tiny_model, tokenizer
):
    run = new_run(kind="reward_model", policy=str(tiny_model))
    write_records(run / "snapshot" / "demonstrations.parquet", [], Demonstration)

    attempt(run)

    model = load_reward_model(run / "model")
    sequences = [
        encode(tokenizer, r.messages, text)
        for r in snapshots.rankings()
        if r.split == "train" and len(set(r.places)) > 1
        for text in r.completions
    ]
    assert score_all(
        model, sequences, CONTEXT, pad_id=0, tokens_per_microbatch=500
    ).mean().item() == pytest.approx(0, abs=1e-4)
    assert any(
        "centred on all ranked completions" in e.get("text", "") for e in read_events(run / "events.jsonl")
    )


def test_rankings_too_long_for_the_model_are_dropped_and_counted(new_run, tiny_model):
    run = new_run(kind="reward_model", policy=str(tiny_model), max_tokens=60)
    rows = snapshots.rankings(lambda text: len(text))
    long = Ranking("long", "p0", snapshots.messages(0), ("a" * 50, "b"), (1, 2), "train", "ann", "person")
    write_records(run / "snapshot" / "rankings.parquet", [*rows, long])

    attempt(run)

    assert result_of(run)["metrics"]["too_long"] == 1


def test_a_saved_reward_model_opens_in_transformers_with_score_minus_bias(tiny_reward_model, tokenizer):
    ours = load_reward_model(tiny_reward_model)
    theirs = AutoModelForSequenceClassification.from_pretrained(tiny_reward_model)
    sequences = [
        encode(tokenizer, snapshots.messages(i), text) for i, text in enumerate(["a", "longer text", ""])
    ]
    batch = collate(sequences, pad_id=tokenizer.pad_token_id)
    attention_mask = (torch.arange(batch.input_ids.shape[1]) < batch.lengths[:, None]).long()

    with torch.no_grad():
        score = (
            theirs(input_ids=batch.input_ids, attention_mask=attention_mask).logits[:, 0]
            - theirs.config.score_bias
        )

    assert theirs.config.num_labels == 1
    assert theirs.config.score_bias == 0.25
    torch.testing.assert_close(final_scores(ours, batch), score, atol=1e-5, rtol=1e-5)


def test_a_reward_model_keeps_the_first_layers_and_starts_with_a_head_of_the_right_size(tiny_model):
    model, base = new_reward_model(tiny_model, layers=1, seed=0), load_policy(tiny_model)

    assert len(model.backbone.layers) == 1
    assert torch.equal(
        model.backbone.layers[0].mlp.up_proj.weight, base.language_model.model.layers[0].mlp.up_proj.weight
    )
    assert model.head_weight.std().item() == pytest.approx(1 / math.sqrt(33), rel=0.4)
    assert len(new_reward_model(tiny_model, layers=99, seed=0).backbone.layers) == 2


@pytest.fixture(scope="module")
def likes_letters(tiny_model, tokenizer, tmp_path_factory):
    """A reward model whose score is known: it grows with the share of letters in the text."""
    model = new_reward_model(tiny_model, layers=1, seed=0)
    letters = tokenizer("abcdefghijklmnopqrstuvwxyz", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        embeddings = model.backbone.get_input_embeddings().weight
        embeddings[:, 0] = 0.0
        embeddings[letters] = 0.0
        embeddings[letters, 0] = 1.0  # dimension 0 says "letter" and nothing else
        embeddings[tokenizer.eos_token_id, 1] = 8.0  # the size against which the last norm measures it
        layer = model.backbone.layers[0]
        for module in (layer.mlp, layer.self_attn):
            for parameter in module.parameters():
                parameter.zero_()
        layer.self_attn.v_proj.weight[0, 0] = 1.0  # every position averages dimension 0 over all before it
        layer.self_attn.o_proj.weight[0, 0] = 1.0
        model.head_weight.zero_()
        model.head_weight[0] = 1.0
    directory = tmp_path_factory.mktemp("models") / "likes_letters"
    save_reward_model(model, tokenizer, directory)
    return directory


def share_of_letters(texts):
    text = "".join(texts)
    return sum(character in "abcdefghijklmnopqrstuvwxyz" for character in text) / len(text)


def ppo_run(new_run, tiny_model, reward_model, **changes):
    config = {
        "kind": "ppo",
        "policy": str(tiny_model),
        "reward_model": str(reward_model),
        "policy_learning_rate": 1e-2,
        "value_learning_rate": 1e-2,
        "steps": 20,
        "episodes_per_step": 64,
        "minibatches": 8,
        "inner_epochs": 2,
        "max_new_tokens": 12,
        "temperature": 1.0,
        "kl_coef": 0.001,
        "kl_cap": 60.0,
        "scale_scores": False,
        "missing_eos_penalty": 0.0,
        # What pays best here is one letter, certain, as good as twelve: just what these alarms are for.
        "length_drift": None,
        "entropy_floor": None,
        "trainable_layers": None,
        "eval_every": 4,
    }
    return new_run(**{**config, **changes})


def mean_score(reward_model, tokenizer, text):
    """The mean score of one text over the valid prompts."""
    sequences = [encode(tokenizer, p.messages, text) for p in snapshots.prompts() if p.split == "valid"]
    with torch.no_grad():
        return final_scores(load_reward_model(reward_model), collate(sequences, pad_id=0)).mean().item()


@pytest.mark.slow
def test_ppo_learns_a_known_reward(new_run, tiny_model, likes_letters, tokenizer):
    run = ppo_run(new_run, tiny_model, likes_letters)
    best, worst = (mean_score(likes_letters, tokenizer, 12 * character) for character in "a0")

    attempt(run)

    metrics = result_of(run)["metrics"]
    before, after = (
        [
            e["completion"]
            for e in read_events(run / "events.jsonl")
            if e["type"] == "text" and e["step"] == step
        ]
        for step in (0, 20)
    )
    assert metrics["score_before"] < worst + 0.1 * (best - worst)
    assert metrics["score_after"] >= worst + 0.95 * (best - worst)
    assert 0 < metrics["kl"] < 60
    assert share_of_letters(before) < 0.2
    assert share_of_letters(after) > 0.95
    assert result_of(run)["step"] == metrics["chosen_step"] > 0
    assert "stopped" not in result_of(run)
    assert AutoModelForCausalLM.from_pretrained(run / "model")
    assert {"valid/score", "valid/kl", "valid/length", "valid/eos_rate"} <= {
        name for e in read_events(run / "events.jsonl") if e["type"] == "metrics" for name in e["values"]
    }


def test_ppo_stops_and_keeps_the_best_policy_within_the_cap(new_run, tiny_model, likes_letters):
    run = ppo_run(new_run, tiny_model, likes_letters, kl_cap=0.0, kl_patience=2, eval_every=1, steps=8)

    attempt(run)

    metrics = result_of(run)["metrics"]
    assert metrics["steps"] < 8
    assert metrics["kl"] == pytest.approx(0.0, abs=1e-5)
    assert "over kl_cap (0 nats)" in result_of(run)["stopped"]
    assert any("over kl_cap" in e.get("text", "") for e in read_events(run / "events.jsonl"))


def test_a_score_that_is_not_a_number_ends_the_run_without_a_model(new_run, tiny_model, tokenizer, tmp_path):
    from training.engine.errors import TrainingFailed

    broken = new_reward_model(tiny_model, layers=1, seed=0)
    with torch.no_grad():
        broken.head_weight.fill_(float("nan"))
    save_reward_model(broken, tokenizer, tmp_path / "broken")
    run = ppo_run(new_run, tiny_model, tmp_path / "broken")

    with pytest.raises(TrainingFailed, match="not finite"):
        attempt(run)

    assert not (run / "model").exists()
    assert not (run / "result.json").exists()
