"""Products by oneDNN are those of torch, with their gradients, and anything else goes the usual way."""

import copy

import pytest
import torch
from torch import nn

from training.engine.algorithms.products import Float32Linear, is_onednn_product, product, use_onednn
from training.engine.modeling import load_language_model


@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 5), (1, 5), (0, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_gives_the_numbers_and_gradients_of_torch(shape, bias):
    torch.manual_seed(0)
    usual = nn.Linear(5, 11, bias=bias)
    ours = nn.Sequential(copy.deepcopy(usual))
    use_onednn(ours)
    inputs = torch.randn(shape, requires_grad=True)
    weights = torch.randn(*shape[:-1], 11)

    expected = usual(inputs)
    found = ours(inputs)

    torch.testing.assert_close(found, expected)
    parameters = zip(usual.parameters(), ours.parameters(), strict=True)
    pairs = [(inputs, inputs), *parameters]
    of_usual = torch.autograd.grad((expected * weights).sum(), [one for one, _ in pairs])
    of_ours = torch.autograd.grad((found * weights).sum(), [other for _, other in pairs])
    for one, other in zip(of_usual, of_ours, strict=True):
        torch.testing.assert_close(one, other)


def test_products_of_transposed_and_cut_tensors_are_right():
    torch.manual_seed(0)
    inputs, weight = torch.randn(9, 6).T[1:4], torch.randn(9, 8).T[::2]

    torch.testing.assert_close(product(inputs, weight), inputs @ weight.T)


def test_bfloat16_and_autocast_go_the_usual_way():
    inputs, weight = torch.randn(3, 5), torch.randn(4, 5)
    linear = Float32Linear(5, 4)

    assert not is_onednn_product(inputs.bfloat16(), weight.bfloat16())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not is_onednn_product(inputs, weight)
        assert linear(inputs).dtype == torch.bfloat16


def test_a_frozen_weight_gets_no_gradient_and_copies_stay_quick():
    linear = nn.Sequential(nn.Linear(3, 2))
    use_onednn(linear)
    copied = copy.deepcopy(linear).requires_grad_(False)
    inputs = torch.ones(1, 3, requires_grad=True)

    copied(inputs).sum().backward()

    assert isinstance(copied[0], Float32Linear)
    assert copied[0].weight.grad is None
    assert inputs.grad is not None
    torch.testing.assert_close(inputs.grad[0], copied[0].weight.sum(0))


def test_loaded_models_multiply_so_and_say_the_same(tiny_model):
    from transformers import AutoModelForCausalLM

    ours = load_language_model(tiny_model)
    theirs = AutoModelForCausalLM.from_pretrained(tiny_model)
    ids = torch.arange(40).reshape(2, 20)

    assert type(ours.lm_head) is Float32Linear
    assert ours.lm_head.weight is ours.get_input_embeddings().weight
    torch.testing.assert_close(ours(ids).logits, theirs(ids).logits, atol=1e-5, rtol=1e-5)
