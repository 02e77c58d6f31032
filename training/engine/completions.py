"""Lines of completions.jsonl: made by the engine, or by a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.engine.config import SampleConfig
from training.engine.context import RunContext
from training.engine.generator import Generator, Question, complete_all
from training.engine.modeling import load_language_model
from training.engine.records import Prompt
from training.engine.sampling import SamplingRequest, SamplingSettings, sample_completions
from training.engine.tokenization import decode_completion, encode_completion

Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """A prompt with its tokens, and the numbers of the completions still to be made."""

    prompt: Prompt
    prompt_ids: tuple[int, ...]
    indices: tuple[int, ...]


def sampled_rows(
    wanted: Sequence[Wanted], tokenizer: Any, config: SampleConfig, context: RunContext
) -> Iterator[list[Row]]:
    """By the engine, each as its completion finishes."""
    dtype, device = context.precision.torch_dtype, context.precision.device
    policy = load_language_model(Path(config.policy), dtype=dtype).to(device)
    settings = SamplingSettings(
        stream=str(config.seed),
        max_new_tokens=config.max_new_tokens,
        temperature=config.temperature,
        rows_in_flight=config.rows_in_flight,
        eos_id=tokenizer.eos_token_id,
    )
    requests = [SamplingRequest(w.prompt.prompt_id, w.prompt_ids, w.indices) for w in wanted]
    for completion in sample_completions(policy, requests, settings, context.stop.check):
        yield [
            {
                "prompt_id": completion.key,
                "index": completion.index,
                "text": decode_completion(tokenizer, completion.token_ids),
                "finish_reason": completion.finish_reason,
                "token_count": len(completion.token_ids),
                "logprob": sum(completion.logprobs),
                "seed": config.seed,
            }
        ]


def generated_rows(
    wanted: Sequence[Wanted], tokenizer: Any, config: SampleConfig, context: RunContext
) -> Iterator[list[Row]]:
    """By a server, those of a prompt together."""
    assert config.generator_url is not None and config.generator_model is not None
    generator = Generator(
        url=config.generator_url.rstrip("/"),
        model=config.generator_model,
        max_tokens=config.max_new_tokens,
        temperature=config.temperature,
        seed=config.seed,
    )
    questions = [Question(w.prompt.prompt_id, w.prompt.messages, w.indices) for w in wanted if w.indices]
    at_once = -(-config.rows_in_flight // config.completions_per_prompt)
    for answers in complete_all(generator, questions, at_once=at_once, check_stop=context.stop.check):
        yield [
            {
                "prompt_id": answer.key,
                "index": answer.index,
                "text": answer.text,
                "finish_reason": answer.finish_reason,
                "token_count": answer.token_count or len(encode_completion(tokenizer, answer.text)),
                "logprob": answer.logprob,
                "seed": config.seed,
            }
            for answer in answers
        ]
