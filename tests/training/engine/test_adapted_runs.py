"""Whole runs with LoRA and with gradient checkpointing: what they save, keep and learn."""

import json

import pytest
import torch
from safetensors.torch import load_file

from tests.training.engine import snapshots
from tests.training.engine.conftest import attempt
from training.engine.adapters import has_adapters, prepare_training
from training.engine.algorithms.batching import collate
from training.engine.config import parse_config
from training.engine.events import read_events
from training.engine.modeling import (
    load_policy,
    load_reward_model,
    new_reward_model,
    save_policy,
    save_reward_model,
)
from training.engine.passes import completion_logprobs, final_scores
from training.engine.tokenization import encode

LORA = {"lora_rank": 2, "lora_alpha": 8.0}
CONFIGS = {
    "sft": {"learning_rate": 0.03, "batch_size": 4, "eval_every": 1, "epochs": 4},
    "reward_model": {"learning_rate": 0.03, "batch_size": 2},
    "ppo": {
        "policy_learning_rate": 0.01,
        "value_learning_rate": 0.01,
        "steps": 2,
        "episodes_per_step": 6,
        "minibatches": 2,
        "max_new_tokens": 8,
        "eval_every": 1,
        "trainable_layers": None,
        "kl_cap": 1e5,
    },
}


@pytest.fixture
def batch(tokenizer):
    texts = ["ab", "a longer text than the others", ""]
    return collate([encode(tokenizer, snapshots.messages(1), text) for text in texts], pad_id=0)


@pytest.fixture
def finished(new_run, tiny_model, tiny_reward_model):
    def run(kind, name="run", **changes):
        models = {"policy": str(tiny_model)}
        models |= {"reward_model": str(tiny_reward_model)} if kind == "ppo" else {}
        directory = new_run(name, kind=kind, **{**CONFIGS[kind], **models, "checkpoint_every": 1, **changes})
        attempt(directory)
        return directory

    return run


def moved(model):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def training_config(tiny_model, kind="sft", **changes):
    return parse_config({"kind": kind, "policy": str(tiny_model), **LORA, **changes})


def test_a_policy_with_adapters_is_saved_as_an_ordinary_one(tiny_model, tokenizer, batch, tmp_path):
    from transformers import AutoModelForCausalLM

    policy = load_policy(tiny_model)
    prepare_training(policy.language_model, training_config(tiny_model))
    moved(policy)

    save_policy(policy, tokenizer, tmp_path / "model")

    opened = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert type(opened).__name__ == "LlamaForCausalLM"
    assert not has_adapters(opened)
    assert {p.name for p in (tmp_path / "model").iterdir()} >= {"config.json", "model.safetensors"}
    assert (
        load_file(tmp_path / "model" / "model.safetensors").keys()
        == load_file(tiny_model / "model.safetensors").keys()
    )
    ours = completion_logprobs(policy, batch, temperature=1.0)
    again = completion_logprobs(load_policy(tmp_path / "model"), batch, temperature=1.0)
    torch.testing.assert_close(again, ours, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(
        completion_logprobs(load_policy(tiny_model), batch, temperature=1.0), ours, atol=0.01
    )


def test_a_reward_model_with_adapters_is_saved_as_an_ordinary_one(tiny_model, tokenizer, batch, tmp_path):
    from transformers import AutoModelForSequenceClassification

    model = new_reward_model(tiny_model, layers=2, seed=0)
    prepare_training(model.backbone, training_config(tiny_model, "reward_model"))
    moved(model)

    save_reward_model(model, tokenizer, tmp_path / "model")

    opened = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    ours = final_scores(model, batch)
    row = batch.input_ids[:1, : int(batch.lengths[0])]
    assert opened(row).logits.item() - model.score_bias.item() == pytest.approx(ours[0].item(), abs=1e-5)
    again = final_scores(load_reward_model(tmp_path / "model"), batch)
    torch.testing.assert_close(again, ours, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_run_with_adapters_learns_and_leaves_an_ordinary_model(finished, tiny_model, kind):
    directory = finished(kind, **LORA)

    saved, base = (
        load_file(directory / "model" / "model.safetensors"),
        load_file(tiny_model / "model.safetensors"),
    )
    assert not any("lora" in name or "base_layer" in name for name in saved)
    changed = [name for name in saved if name in base and not torch.equal(saved[name], base[name])]
    assert changed or json.loads((directory / "result.json").read_text())["step"] == 0
    assert all(name.endswith("_proj.weight") for name in changed)


@pytest.mark.parametrize("kind", CONFIGS)
def test_checkpoints_hold_the_adapters_and_their_optimizer_alone(finished, tiny_model, kind):
    directory = finished(kind, **LORA)

    newest = max((directory / "checkpoints").iterdir())
    state = torch.load(newest / "state.pt", weights_only=True)

    learners = [state["policy"], state["value"]] if kind == "ppo" else [state["learner"]]
    for learner in learners:
        others = {name for name in learner["weights"] if ".lora_" not in name}
        assert others <= {"head_weight", "score_bias"}
        assert any(".lora_" in name for name in learner["weights"])
        assert len(learner["optimizer"]["state"]) <= len(learner["weights"])


def test_sft_with_adapters_lowers_the_loss(finished):
    directory = finished("sft", **LORA)

    losses = [
        e["values"]["valid/loss"]
        for e in read_events(directory / "events.jsonl")
        if "valid/loss" in e.get("values", {})
    ]
    assert losses[-1] < losses[0] - 0.2


def test_ppo_starts_at_ratio_one_and_at_no_divergence_with_adapters(finished):
    directory = finished("ppo", **LORA, policy_learning_rate=0.0, steps=1, minibatches=1, inner_epochs=1)

    figures = {}
    for event in read_events(directory / "events.jsonl"):
        if event["type"] == "metrics" and event["step"] == 1:
            figures |= event["values"]
    assert figures["policy/ratio_max"] == pytest.approx(1.0, abs=1e-5)
    assert figures["train/kl"] == pytest.approx(0.0, abs=1e-5)


def test_ppo_with_adapters_holds_two_sets_of_weights_for_four_models(tiny_model, tiny_reward_model, new_run):
    from types import SimpleNamespace

    from training.engine.distributed import ALONE
    from training.engine.ppo_setup import load_models
    from training.engine.precision import Precision

    config = parse_config(
        {"kind": "ppo", "policy": str(tiny_model), "reward_model": str(tiny_reward_model), **LORA}
    )
    models = load_models(config, SimpleNamespace(precision=Precision("float32", "cpu"), processes=ALONE))

    policy, value = ({id(p) for p in m.parameters()} for m in (models.policy, models.value_model))
    assert {id(p) for p in models.reference.parameters()} <= policy
    assert {id(p) for p in models.reward_model.backbone.parameters()} <= value
    assert id(models.reward_model.head_weight) not in value
    assert not any(p.requires_grad for p in models.reward_model.parameters())
    assert not any(p.requires_grad for p in models.reference.parameters())
    assert models.value_model.head_weight.requires_grad


@pytest.mark.parametrize("kind", CONFIGS)
def test_gradient_checkpointing_ends_at_the_same_weights(finished, kind):
    weights = [
        load_file(finished(kind, name, gradient_checkpointing=on) / "model" / "model.safetensors")
        for name, on in (("plain", False), ("recomputing", True))
    ]

    assert weights[0].keys() == weights[1].keys()
    for name, weight in weights[0].items():
        torch.testing.assert_close(weights[1][name], weight, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("stage", ["sft", "reward_model", "ppo"])
def test_the_random_state_of_torch_changes_nothing(finished, stage):
    weights = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        weights.append(load_file(finished(stage, f"run{seed}", **LORA) / "model" / "model.safetensors"))

    assert all(torch.equal(weight, weights[1][name]) for name, weight in weights[0].items())
