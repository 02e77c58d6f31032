"""The rollout: everything PPO knows about one batch of episodes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from training.engine.algorithms.batching import TokenSequence


@dataclass(frozen=True)
class Rollout:
    """One PPO batch. Tensors are (episodes, time), right-padded over the completion's tokens, zero on
    padding.

    scores (episodes,): the reward model's number, before scaling and penalties. has_eos (episodes,) bool: the
    completion ended by itself. completion_mask: True on real completion tokens, EOS among them.
    logprobs: of the policy that wrote the tokens, recomputed by the training forward pass.
    values: of the state in which each token was chosen, by the value model before the update.
    """

    sequences: tuple[TokenSequence, ...]
    scores: Tensor
    has_eos: Tensor
    completion_mask: Tensor
    logprobs: Tensor
    ref_logprobs: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor
