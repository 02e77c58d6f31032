"""TRL's RewardTrainer on the expanded pairs, one update whenever asked. Run by the interpreter of its
environment."""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl.trainer.reward_config import RewardConfig
from trl.trainer.reward_trainer import RewardTrainer

from benchmarks.answering import Questions, Stopwatch, peak_bytes
from benchmarks.ranking_data import WARM_UPS, pairs_of_update, shape_of


class OneUpdateARequest(TrainerCallback):
    """Holds the training loop between updates until one is asked for; what is timed is all in between."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions
        self.watch: Stopwatch | None = None
        self.trainer: Any = None

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        for _number in range(WARM_UPS):
            warm_up(self.trainer)
        self.questions.answer(ready=True)
        self.wait()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        assert self.watch
        times = self.watch.read()
        self.questions.answer(**times, peak_bytes=peak_bytes(), loss=self.trainer.losses.mean())
        self.wait()

    def wait(self) -> None:
        self.questions.next()
        self.trainer.losses = Losses()
        self.watch = Stopwatch()


class Losses(list[torch.Tensor]):
    """The losses of an update's micro-batches, all of one size."""

    def mean(self) -> float:
        return torch.stack(list(self)).mean().item()


class Trainer(RewardTrainer):
    """RewardTrainer as it is; its loss is noted, to be held beside ours."""

    losses = Losses()

    def compute_loss(self, *arguments: Any, **options: Any) -> Any:
        result = super().compute_loss(*arguments, **options)
        self.losses.append((result[0] if isinstance(result, tuple) else result).detach())
        return result


def warm_up(trainer: RewardTrainer) -> None:
    """A micro-batch and an update by nothing, so that the first one finds memory and threads in place."""
    batch = next(iter(trainer.get_train_dataloader()))
    with trainer.compute_loss_context_manager():
        loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    for parameter in trainer.model.parameters():
        parameter.grad.zero_()
    trainer.create_optimizer().step()
    trainer.model.zero_grad()


def main() -> None:
    questions = Questions()
    settings = questions.settings
    shape, updates, at_once = shape_of(settings), settings["updates"], settings["pairs_at_once"]
    torch.set_num_threads(settings["threads"])
    model = AutoModelForSequenceClassification.from_pretrained(
        settings["model"], dtype=torch.float32, attn_implementation=settings["attention"]
    )
    callback = OneUpdateARequest(questions)
    trainer = Trainer(
        model=model,
        args=RewardConfig(
            output_dir=tempfile.mkdtemp(),
            max_steps=updates,
            per_device_train_batch_size=at_once,
            gradient_accumulation_steps=shape.pairs // at_once,
            train_sampling_strategy="sequential",
            bf16=settings["dtype"] == "bfloat16",
            gradient_checkpointing=False,
            use_cpu=True,
            learning_rate=settings["learning_rate"],
            lr_scheduler_type="constant",
            adam_beta2=0.95,
            adam_epsilon=1e-5,
            max_grad_norm=1.0,
            max_length=None,
            dataloader_pin_memory=False,
            logging_steps=10**9,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(
            [pair for number in range(updates) for pair in pairs_of_update(shape, number)]
        ),
        processing_class=AutoTokenizer.from_pretrained(settings["model"]),
        callbacks=[callback],
    )
    callback.trainer = trainer
    trainer.train()


if __name__ == "__main__":
    main()
