"""transformers' `generate` with num_return_sequences: completions of the prompts, whenever asked."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import torch

from benchmarks.answering import Questions, Stopwatch, peak_bytes
from benchmarks.sampling_prompts import COMPLETIONS, NEW_TOKENS, prompts
from training.engine.tokenization import load_tokenizer


def main() -> None:
    questions = Questions()
    settings = questions.settings
    torch.set_num_threads(settings["threads"])
    from transformers import AutoModelForCausalLM

    directory = Path(settings["model"])
    tokenizer = load_tokenizer(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=getattr(torch, settings["dtype"])).eval()
    input_ids = torch.tensor(prompts(tokenizer, settings["prompts"]))
    questions.answer(ready=True)
    for number in count():
        request = questions.next()
        torch.manual_seed(number)
        watch = Stopwatch()
        new = torch.cat(
            [
                model.generate(
                    own,
                    attention_mask=torch.ones_like(own),
                    num_return_sequences=COMPLETIONS,
                    do_sample=True,
                    temperature=1.0,
                    top_k=0,
                    top_p=1.0,
                    max_new_tokens=NEW_TOKENS,
                    min_new_tokens=0,
                    eos_token_id=tokenizer.eos_token_id,
                    pad_token_id=tokenizer.pad_token_id,
                )[:, own.shape[1] :]
                for own in input_ids.split(request["prompts_at_once"])
            ]
        )
        is_end = new == tokenizer.eos_token_id
        before_end = is_end.cumsum(1) - is_end.long() == 0  # up to the first EOS, and it
        questions.answer(
            **watch.read(),
            peak_bytes=peak_bytes(),
            completions=len(new),
            tokens=int(before_end.sum()),
            ended=int(is_end.any(1).sum()),
        )


if __name__ == "__main__":
    main()
