"""LoRA: exact where it is off, equal to its merged weights, trained alone."""

import pytest
import torch
from torch import nn

from tests.training.engine import snapshots
from training.engine.adapters import add_adapters, has_adapters, merged_state, without_adapters
from training.engine.algorithms.batching import collate
from training.engine.errors import ConfigError
from training.engine.modeling import freeze_all_but_top, load_language_model, load_policy
from training.engine.tokenization import encode

RANK, ALPHA = 3, 12.0


@pytest.fixture
def ids(tokenizer):
    texts = ["ab", "a longer text than the others"]
    return collate([encode(tokenizer, snapshots.messages(1), text) for text in texts], pad_id=0).input_ids


@pytest.fixture
def adapted(tiny_model):
    policy = load_language_model(tiny_model)
    add_adapters(policy, rank=RANK, alpha=ALPHA, seed=0)
    return policy


def trained(model):
    """Move every trained parameter, as training would."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


def linear_layers(model):
    return [m for m in model.modules() if isinstance(m, nn.Linear) and m is not model.get_output_embeddings()]


def test_a_model_starts_as_it_is_and_is_the_base_again_without_its_adapters(tiny_model, adapted, ids):
    base = load_language_model(tiny_model)(ids).logits

    reference = without_adapters(adapted)
    assert torch.equal(adapted(ids).logits, base)
    trained(adapted)

    assert (adapted(ids).logits - base).abs().max() > 0.01
    assert torch.equal(reference(ids).logits, base)


def test_the_reference_is_no_second_copy(adapted):
    shared = {id(parameter) for parameter in adapted.parameters()}

    reference = without_adapters(adapted)

    assert not has_adapters(reference)
    assert has_adapters(adapted)
    assert all(id(parameter) in shared for parameter in reference.parameters())
    assert not any(parameter.requires_grad for parameter in reference.parameters())


def test_every_linear_layer_learns_through_its_adapter_and_nothing_else_learns(tiny_model, adapted):
    count = len(linear_layers(load_language_model(tiny_model)))

    learning = [name for name, parameter in adapted.named_parameters() if parameter.requires_grad]

    assert len(learning) == 2 * count
    assert all(".lora_A." in name or ".lora_B." in name for name in learning)
    assert adapted.model.layers[0].mlp.up_proj.lora_A.default.weight.shape == (RANK, 32)


def test_frozen_layers_get_no_adapter(tiny_model):
    policy = load_policy(tiny_model)
    freeze_all_but_top(policy, 1)

    add_adapters(policy.language_model, rank=RANK, alpha=ALPHA, seed=0)

    learning = [name for name, parameter in policy.named_parameters() if parameter.requires_grad]
    assert learning
    assert all(name.startswith("language_model.model.layers.1.") for name in learning)
    policy.requires_grad_(False)
    with pytest.raises(ConfigError, match="lora_rank: 2 is not allowed"):
        add_adapters(policy.language_model, rank=2, alpha=ALPHA, seed=0)


def test_merged_weights_are_the_definition_and_say_the_same(tiny_model, adapted, ids):
    trained(adapted)
    layer = adapted.model.layers[1].self_attn.k_proj
    expected = (
        layer.base_layer.weight + ALPHA / RANK * layer.lora_B.default.weight @ layer.lora_A.default.weight
    )

    state = merged_state(adapted)

    plain = load_language_model(tiny_model)
    assert state.keys() == plain.state_dict().keys()
    assert torch.equal(state["model.layers.1.self_attn.k_proj.weight"], expected)
    plain.load_state_dict(state)
    torch.testing.assert_close(plain(ids).logits, adapted(ids).logits, atol=1e-5, rtol=1e-5)


def test_a_model_without_adapters_has_nothing_to_merge(tiny_model):
    policy = load_language_model(tiny_model)

    state = merged_state(policy)

    assert not has_adapters(policy)
    assert all(torch.equal(state[name], weight) for name, weight in policy.state_dict().items())


def test_a_seed_gives_its_adapters_and_leaves_the_random_state_alone(tiny_model):
    before = torch.get_rng_state()
    first, same, other = (load_language_model(tiny_model) for _ in range(3))
    for policy, seed in ((first, 5), (same, 5), (other, 6)):
        add_adapters(policy, rank=RANK, alpha=ALPHA, seed=seed)

    name = "model.layers.0.mlp.up_proj.lora_A.default.weight"
    assert torch.equal(first.state_dict()[name], same.state_dict()[name])
    assert not torch.equal(first.state_dict()[name], other.state_dict()[name])
    assert torch.equal(torch.get_rng_state(), before)
