"""TRL 1.12.0's PPOTrainer (trl.experimental.ppo, the last release that has one): one PPO step per request.

Runs in TRL's own virtual environment; imports nothing of the product.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    TrainerCallback,
)
from trl.experimental.ppo import PPOConfig, PPOTrainer

from benchmarks.answering import Questions, Stopwatch, peak_bytes


class OneStepAtATime(TrainerCallback):
    """Waits for a request before each step and answers it with the step's time and peak memory."""

    def __init__(self, questions: Questions, after_imports: int) -> None:
        self._questions = questions
        self._after_imports = after_imports

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._questions.answer(ready=True)
        self._wait()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._questions.answer(
            **self._stopwatch.read(), peak_bytes=peak_bytes(), bytes_after_imports=self._after_imports
        )
        self._wait()

    def _wait(self) -> None:
        self._questions.next()
        self._stopwatch = Stopwatch()


def trainer(work: dict[str, Any], *callbacks: TrainerCallback, steps: int) -> PPOTrainer:
    """A trainer for `work`, a PpoWork of benchmarks/ppo_work.py."""
    tokenizer = AutoTokenizer.from_pretrained(work["policy"], padding_side="left")
    prompts = json.loads(Path(work["prompts"]).read_text())
    rows = [{"input_ids": prompt["ids"]} for prompt in prompts if prompt["split"] == "train"]

    def policy() -> Any:
        return AutoModelForCausalLM.from_pretrained(work["policy"], dtype=torch.float32)

    def scorer() -> Any:
        return AutoModelForSequenceClassification.from_pretrained(
            work["reward_model"], num_labels=1, dtype=torch.float32
        )

    batch = work["episodes"]
    settings = PPOConfig(
        output_dir=work["output"],
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=1,
        num_mini_batches=work["minibatches"],
        num_ppo_epochs=work["inner_epochs"],
        total_episodes=batch * steps,
        response_length=work["completion_tokens"],
        local_rollout_forward_batch_size=batch,
        temperature=1.0,
        learning_rate=work["learning_rate"],
        lr_scheduler_type="constant",
        kl_coef=work["kl_coef"],
        missing_eos_penalty=work["missing_eos_penalty"],
        stop_token="eos",
        gradient_checkpointing=False,
        bf16=work["dtype"] == "bfloat16",
        use_cpu=True,
        num_sample_generations=0,
        save_strategy="no",
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        seed=work["seed"],
    )
    return PPOTrainer(
        args=settings,
        processing_class=tokenizer,
        model=policy(),
        ref_model=policy(),
        reward_model=scorer(),
        value_model=scorer(),
        train_dataset=Dataset.from_list(rows),
        callbacks=list(callbacks),
    )


def main() -> None:
    after_imports = peak_bytes()
    questions = Questions()
    work = questions.settings
    if work["steps"] is None:  # one step a request, as long as there are requests
        trainer(work, OneStepAtATime(questions, after_imports), steps=10**5).train()
        return
    questions.answer(ready=True)
    questions.next()  # all steps, then the policy on the disk
    trained = trainer(work, steps=work["steps"])
    trained.train()
    trained.save_model(work["output"])
    questions.answer(policy=work["output"])
    questions.next()


if __name__ == "__main__":
    main()
