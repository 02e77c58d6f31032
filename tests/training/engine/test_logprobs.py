"""Log-probabilities in pieces are those of log_softmax and gather, with their gradients."""

import pytest
import torch
from torch import Tensor

from training.engine.algorithms import logprobs as module
from training.engine.algorithms.logprobs import projected_logprobs


def naive(hidden: Tensor, weight: Tensor, tokens: Tensor, *, temperature: float) -> Tensor:
    logits = (hidden @ weight.T).float() / temperature
    return torch.log_softmax(logits, -1).gather(-1, tokens[:, None])[:, 0]


def with_gradients(function, hidden, weight, tokens, *, temperature):
    leaves = [t for t in (hidden, weight) if t.requires_grad]
    found = function(hidden, weight, tokens, temperature=temperature)
    factors = torch.linspace(-2, 3, len(tokens))  # as the policy loss has: another for each token
    return [found, *torch.autograd.grad((found * factors).sum(), leaves)]


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("at_once", [1, 3 * 13, 10**6])  # a token at a time; uneven pieces; one piece
@pytest.mark.parametrize("trained", [(True, True), (True, False), (False, True)])
def test_pieces_give_the_numbers_and_gradients_of_the_whole(monkeypatch, temperature, at_once, trained):
    monkeypatch.setattr(module, "LOGITS_AT_ONCE", at_once)
    torch.manual_seed(0)
    hidden = torch.randn(10, 6).requires_grad_(trained[0])
    weight = torch.randn(13, 6).requires_grad_(trained[1])
    tokens = torch.randint(13, (10,))

    ours = with_gradients(projected_logprobs, hidden, weight, tokens, temperature=temperature)
    expected = with_gradients(naive, hidden, weight, tokens, temperature=temperature)

    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_a_certain_token_has_logprob_zero_and_moves_nothing():
    hidden = torch.tensor([[100.0]], requires_grad=True)
    weight = torch.tensor([[1.0], [-1.0]], requires_grad=True)

    certain, impossible = (
        projected_logprobs(hidden, weight, torch.tensor([token]), temperature=1.0) for token in (0, 1)
    )

    assert certain.item() == 0.0
    assert impossible.item() == -200.0
    assert [g.abs().sum().item() for g in torch.autograd.grad(certain.sum(), (hidden, weight))] == [0.0, 0.0]
    assert torch.autograd.grad(impossible.sum(), hidden)[0].item() == -2.0


def test_no_tokens_give_no_logprobs_and_no_gradient():
    hidden, weight = torch.zeros(0, 4, requires_grad=True), torch.ones(3, 4, requires_grad=True)

    found = projected_logprobs(hidden, weight, torch.zeros(0, dtype=torch.int64), temperature=1.0)
    found.sum().backward()

    assert found.shape == (0,)
    assert weight.grad is not None
    assert weight.grad.abs().sum() == 0


def test_under_autocast_the_products_are_bfloat16_and_the_rest_float32():
    torch.manual_seed(0)
    hidden, weight = torch.randn(5, 64, requires_grad=True), torch.randn(9, 64, requires_grad=True)
    tokens = torch.randint(9, (5,))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours = projected_logprobs(hidden, weight, tokens, temperature=0.8)
        logits = torch.nn.functional.linear(hidden / 0.8, weight)
    expected = torch.log_softmax(logits.float(), -1).gather(-1, tokens[:, None])[:, 0]

    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)
    found = torch.autograd.grad(ours.sum(), (hidden, weight))
    for one, other in zip(found, torch.autograd.grad(expected.sum(), (hidden, weight)), strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other, atol=0.1, rtol=0.05)
