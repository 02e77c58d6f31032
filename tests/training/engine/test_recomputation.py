"""Gradient checkpointing: the same loss and gradients, layers computed twice."""

import copy

import pytest
import torch

from tests.training.engine import snapshots
from training.engine.algorithms.batching import collate
from training.engine.modeling import freeze_all_but_top, load_language_model, load_policy
from training.engine.recomputation import recompute_layers
from training.engine.tokenization import encode


@pytest.fixture
def ids(tokenizer):
    texts = ["ab", "a longer text than the others"]
    return collate([encode(tokenizer, snapshots.messages(1), text) for text in texts], pad_id=0).input_ids


def loss_and_gradients(policy, ids):
    loss = policy(ids, use_cache=False).logits.float().log_softmax(-1)[:, :, 7].mean()
    loss.backward()
    return loss.item(), {n: p.grad for n, p in policy.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("layers", [None, 1])
def test_loss_and_gradients_are_the_same(tiny_model, ids, layers):
    plain, recomputing = load_policy(tiny_model), load_policy(tiny_model)
    for policy in (plain, recomputing):
        freeze_all_but_top(policy, layers)

    recompute_layers(recomputing.language_model.base_model)

    loss, gradients = loss_and_gradients(plain.language_model, ids)
    same_loss, same_gradients = loss_and_gradients(recomputing.language_model, ids)
    assert same_loss == pytest.approx(loss, abs=1e-6)
    assert gradients.keys() == same_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(same_gradients[name], gradient, atol=1e-6, rtol=1e-6)


def test_a_layer_is_computed_again_in_the_backward_pass_and_only_there(tiny_model, ids):
    policy = load_language_model(tiny_model)
    passes = []
    policy.model.layers[0].self_attn.register_forward_hook(lambda *_: passes.append(torch.is_grad_enabled()))
    recompute_layers(policy.base_model)

    with torch.no_grad():
        policy(ids)
    assert passes == [False]
    loss_and_gradients(policy, ids)

    assert passes == [False, True, True]


def test_fewer_activations_are_kept(tiny_model, ids):
    def kept(policy):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            policy.base_model(ids, use_cache=False)
        return sum(sizes)

    policy = load_language_model(tiny_model)
    before = kept(policy)

    recompute_layers(policy.base_model)

    assert kept(policy) < before / 4


def test_a_copy_computes_its_own_layers(tiny_model, ids):
    policy = load_language_model(tiny_model)
    recompute_layers(policy.base_model)
    copied = copy.deepcopy(policy)

    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.zero_()

    assert torch.equal(copied(ids).logits, load_language_model(tiny_model)(ids).logits)


def test_a_cache_is_used_where_no_gradient_is_wanted(tiny_model, ids):
    policy = load_language_model(tiny_model)
    recompute_layers(policy.base_model)

    with torch.no_grad():
        cache = policy(ids[:1, :5], use_cache=True).past_key_values
        continued = policy(ids[:1, 5:6], past_key_values=cache, use_cache=True).logits
        whole = policy(ids[:1, :6]).logits[:, 5:]

    torch.testing.assert_close(continued, whole, atol=1e-5, rtol=1e-5)
