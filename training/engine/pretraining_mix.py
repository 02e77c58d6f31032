"""PPO-ptx (Ouyang et al. 2022, eq. 2 and C.4): pretraining gradients added to those of PPO.

Both losses are means per token, of the minibatch's completions and of its pieces of the corpus. The paper
does not print its reductions, so its coefficient 27.8 does not carry over; hence both norms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.engine.algorithms.batching import TokenSequence, collate
from training.engine.config import PpoConfig
from training.engine.context import RunContext
from training.engine.corpus import TextStream, load_corpus
from training.engine.errors import DataError
from training.engine.optimization import Learner
from training.engine.passes import completion_logprobs


def load_mix(config: PpoConfig, context: RunContext, tokenizer: Any) -> TextStream | None:
    """The snapshot's corpus, or nothing when ptx_coef is 0. DataError when there is no corpus."""
    if not config.ptx_coef:
        return None
    try:
        corpus = load_corpus(context, tokenizer, seed=config.seed, max_tokens=config.ptx_tokens + 1)
    except DataError as error:
        raise DataError(
            f"ptx_coef: {config.ptx_coef:g} mixes in pretraining text, and {error}. Or set ptx_coef to 0"
        ) from error
    return corpus.train


def pieces(corpus: TextStream, config: PpoConfig, *, seen: int, episodes: int) -> list[TokenSequence]:
    """The pieces of the corpus for a minibatch of so many episodes, after `seen` ones in the run so far.

    `ptx_ratio` pieces of `ptx_tokens` tokens per episode, rounded over the run and not in each minibatch; a
    piece is cut in two where a document ends.
    """
    first, end = (round(config.ptx_ratio * count) for count in (seen, seen + episodes))
    return corpus.span(first * config.ptx_tokens, (end - first) * config.ptx_tokens)


def add_pretraining_gradients(
    policy: Learner, texts: Sequence[TokenSequence], config: PpoConfig, context: RunContext, *, pad_id: int
) -> dict[str, float]:
    """Add the gradient of ptx_coef times the mean loss per token of `texts` to the gradients that are there.

    Returns the loss and the norms of the two gradients before they are added. Temperature 1: this is a
    language model's loss, not a probability that is compared with a rollout's.
    """
    of_ppo = policy.take_gradients()
    tokens = sum(len(text.completion_ids) for text in texts)
    loss = 0.0
    for microbatch in context.microbatches(
        [len(text) for text in texts], tokens_per_microbatch=config.tokens_per_microbatch
    ):
        batch = collate([texts[row] for row in microbatch.rows], pad_id=pad_id)
        with context.precision.autocast():
            share = -completion_logprobs(policy.model, batch, temperature=1.0).sum() / tokens
        policy.backward(config.ptx_coef * share, microbatch)
        loss += share.item() if microbatch.counts else 0.0
    norms = {"ptx/grad_norm": policy.gradient_norm()}
    of_ptx = policy.take_gradients()
    policy.add_gradients(of_ppo)
    norms["ptx/ppo_grad_norm"] = policy.gradient_norm()
    policy.add_gradients(of_ptx)
    return norms | {"ptx/loss": sum(context.processes.gather([loss]))}
