"""This engine's sampling: completions of the prompts, whenever asked."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import torch

from benchmarks.answering import Questions, Stopwatch, peak_bytes
from benchmarks.sampling_prompts import COMPLETIONS, NEW_TOKENS, prompts
from training.engine.modeling import load_language_model
from training.engine.sampling import SamplingRequest, SamplingSettings, sample_completions
from training.engine.tokenization import load_tokenizer


def main() -> None:
    questions = Questions()
    settings = questions.settings
    torch.set_num_threads(settings["threads"])
    directory = Path(settings["model"])
    tokenizer = load_tokenizer(directory)
    policy = load_language_model(directory, dtype=getattr(torch, settings["dtype"]))
    requests = [
        SamplingRequest(str(number), prompt_ids, tuple(range(COMPLETIONS)))
        for number, prompt_ids in enumerate(prompts(tokenizer, settings["prompts"]))
    ]
    questions.answer(ready=True)
    for number in count():  # a seed of its own each time, so that lengths are those of many completions
        questions.next()
        how = SamplingSettings(
            stream=str(number),
            max_new_tokens=NEW_TOKENS,
            temperature=1.0,
            rows_in_flight=settings["rows_in_flight"],
            eos_id=tokenizer.eos_token_id,
        )
        watch = Stopwatch()
        completions = list(sample_completions(policy, requests, how))
        questions.answer(
            **watch.read(),
            peak_bytes=peak_bytes(),
            completions=len(completions),
            tokens=sum(len(completion.token_ids) for completion in completions),
            ended=sum(completion.finish_reason == "stop" for completion in completions),
        )


if __name__ == "__main__":
    main()
