import math

import pytest
import torch

from training.engine.algorithms.logprobs import kl_k1, kl_k3, token_logprobs
from training.engine.algorithms.losses import clipped_policy_loss, clipped_value_loss, ranking_loss
from training.engine.algorithms.masking import lengths_to_mask

ONE = torch.ones(1, 1, dtype=torch.bool)


def test_the_loss_of_a_pair_by_hand():
    loss = ranking_loss(torch.tensor([0.0, 1.0]), torch.tensor([2, 1]))

    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1.0)))


def test_a_tie_gives_no_comparison_between_the_tied():
    loss = ranking_loss(torch.tensor([2.0, 5.0, 0.0]), torch.tensor([1, 1, 2]))

    expected = (math.log1p(math.exp(-2.0)) + math.log1p(math.exp(-5.0))) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_the_ranking_loss_pulls_the_better_up_and_the_worse_down():
    scores = torch.zeros(3, requires_grad=True)

    ranking_loss(scores, torch.tensor([1, 2, 3])).backward()

    assert scores.grad is not None
    torch.testing.assert_close(scores.grad, torch.tensor([-1 / 3, 0.0, 1 / 3]))


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "gradient_flows"),
    [
        (1.0, 2.0, -2.0, True),
        (1.1, 2.0, -2.2, True),
        (1.5, 2.0, -2.4, False),  # a good token that already became likelier pays no more
        (0.5, 2.0, -1.0, True),
        (0.5, -2.0, 1.6, False),  # a bad token that already became rarer pays no more
        (1.5, -2.0, 3.0, True),
    ],
)
def test_the_policy_loss_is_clipped_where_it_would_pay_further(ratio, advantage, loss, gradient_flows):
    logprobs = torch.tensor([[-1.0 + math.log(ratio)]], requires_grad=True)

    result = clipped_policy_loss(
        logprobs, torch.tensor([[-1.0]]), torch.tensor([[advantage]]), ONE, clip_range=0.2
    )
    result.loss_sum.backward()

    assert result.loss_sum.item() == pytest.approx(loss, rel=1e-5)
    assert result.clipped.item() == (0.0 if gradient_flows else 1.0)
    assert logprobs.grad is not None
    assert (logprobs.grad.abs().item() > 0) is gradient_flows
    if gradient_flows:
        assert math.copysign(1, logprobs.grad.item()) == -math.copysign(1, advantage)


@pytest.mark.parametrize(
    ("value", "loss"),
    [
        (1.1, 0.5 * 0.9**2),  # within the clip: its own error
        (1.9, 0.5 * 0.8**2),  # beyond it: the larger error, that of the clipped value 1.2
        (-1.0, 0.5 * 3.0**2),
    ],
)
def test_the_value_loss_takes_the_larger_error(value, loss):
    old, returns = torch.tensor([[1.0]]), torch.tensor([[2.0]])

    result = clipped_value_loss(torch.tensor([[value]]), old, returns, ONE, value_clip_range=0.2)

    assert result.item() == pytest.approx(loss, rel=1e-5)


def test_padding_moves_no_loss_and_no_gradient():
    torch.manual_seed(0)
    mask = lengths_to_mask(torch.tensor([3, 1]), 3)
    new, old, advantages, returns = (torch.randn(2, 3) for _ in range(4))

    def losses(padding):
        def padded(tensor):
            return torch.where(mask, tensor, torch.tensor(padding))

        logprobs = padded(new).requires_grad_()
        policy = clipped_policy_loss(logprobs, padded(old), padded(advantages), mask, clip_range=0.2)
        value = clipped_value_loss(logprobs, padded(old), padded(returns), mask, value_clip_range=0.2)
        (policy.loss_sum + value).backward()
        assert logprobs.grad is not None
        return policy.loss_sum, value, policy.clipped, policy.approx_kl, logprobs.grad

    for clean, dirty in zip(losses(0.0), losses(1e5), strict=True):
        torch.testing.assert_close(clean, dirty)


def test_token_logprobs_equal_log_softmax_with_gradients():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 7, requires_grad=True)
    tokens = torch.randint(7, (2, 3))

    ours = token_logprobs(logits, tokens, temperature=0.7)
    (gradient,) = torch.autograd.grad(ours.pow(2).sum(), logits)
    reference = torch.log_softmax(logits / 0.7, -1).gather(-1, tokens[..., None])[..., 0]
    (expected,) = torch.autograd.grad(reference.pow(2).sum(), logits)

    torch.testing.assert_close(ours, reference)
    torch.testing.assert_close(gradient, expected)


def test_both_estimates_average_to_the_divergence():
    torch.manual_seed(0)
    p, q = torch.softmax(torch.randn(5), -1), torch.softmax(torch.randn(5), -1)

    exact = (p * (p / q).log()).sum()

    torch.testing.assert_close((p * kl_k1(p.log(), q.log())).sum(), exact)
    torch.testing.assert_close((p * kl_k3(p.log(), q.log())).sum(), exact)
    assert (kl_k3(p.log(), q.log()) >= 0).all()
