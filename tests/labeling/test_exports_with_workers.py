"""Exports through the real broker and a real worker: done, killed, cancelled; opened by `datasets`; in memory
that does not grow with the record."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now

from labeling import actions, exports
from labeling.models import Transfer
from tests.labeling.exporting import directory_of, export, lines, make_demonstration, make_ranking, start

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def wait_until(reached: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)


def wait_for_status(transfer: Transfer, *statuses: str) -> Transfer:
    def reached() -> bool:
        transfer.refresh_from_db()
        return transfer.status in statuses

    wait_until(reached)
    return transfer


MANY = """
WITH prompt AS (
    INSERT INTO labeling_prompt (public_id, project_id, messages, author_id, source, category, language,
                                 split, dedupe_key, external_id, metadata, topics,
                                 submission_key)
    SELECT gen_random_uuid(), %(project)s,
           jsonb_build_array(jsonb_build_object('role', 'user', 'content', n || '? ' || repeat('why ', 50))),
           %(user)s, 'plain', 'other', 'en', CASE WHEN n %% 10 = 0 THEN 'valid' ELSE 'train' END,
           n, '', '{}', '{}', ''
    FROM generate_series(1, %(count)s) AS n RETURNING id
), task AS (
    INSERT INTO labeling_task (public_id, project_id, prompt_id, kind, purpose, status, round, priority,
                               seats_wanted, seats_taken, language, topics)
    SELECT gen_random_uuid(), %(project)s, id, 'rank', 'collect', 'complete', 1, 0, 1, 1, 'en', '{}'
    FROM prompt
    RETURNING id, prompt_id
), completion AS (
    INSERT INTO labeling_completion (public_id, prompt_id, text, origin, external_id, metadata, is_sensitive)
    SELECT gen_random_uuid(), id, slot || repeat(' answer', 60), 'policy', '', '{}', false
    FROM prompt, generate_series(1, 4) AS slot RETURNING id, prompt_id, left(text, 1)::int AS slot
), slots AS (
    INSERT INTO labeling_taskcompletion (task_id, slot, completion_id)
    SELECT task.id, completion.slot, completion.id FROM completion JOIN task USING (prompt_id)
), assignment AS (
    INSERT INTO labeling_assignment (public_id, task_id, user_id, status, holds_seat, display_order, draft,
                                     draft_version)
    SELECT gen_random_uuid(), id, %(user)s, 'submitted', true, '{1,2,3,4}', '{}', 0 FROM task RETURNING id
), submission AS (
    INSERT INTO labeling_submission (public_id, project_id, assignment_id, revision, idempotency_key, origin,
                                     is_late, comment, verdict, review_state)
    SELECT gen_random_uuid(), %(project)s, id, 1, 'k', 'person', false, '', 'ranked', 'not_reviewed'
    FROM assignment RETURNING id
)
INSERT INTO labeling_ranking (submission_id, places) SELECT id, '{1,2,3,4}' FROM submission
"""


def make_many_rankings(project, user, count: int) -> None:
    """`count` rankings of four texts, a tenth of them valid; through the actions it would take minutes."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, {"project": project.pk, "user": user.pk, "count": count})
        cursor.execute("ANALYZE")


def test_a_worker_writes_it_while_the_page_shows_how_far_it_is(workers, project, annotator):
    make_ranking(annotator, project)
    workers.start("default")

    transfer = wait_for_status(start(project, "preference", "parquet"), "succeeded", "failed")

    assert (transfer.status, transfer.error) == ("succeeded", "")
    assert transfer.counts["rows"] == {"train": 6}
    assert (directory_of(transfer) / "train.parquet").is_file()


def test_a_killed_worker_leaves_nothing_to_see_and_the_export_starts_over(workers, project, annotator):
    make_many_rankings(project, annotator, 5000)
    workers.start("default")
    transfer = start(project, "preference")
    wait_until(lambda: Transfer.objects.filter(pk=transfer.pk, progress_done__gt=0).exists())

    workers.kill("default")
    transfer.refresh_from_db()
    assert (transfer.status, transfer.path) == ("running", "")
    assert actions.sweep_transfers() == 0  # the lease holds while the heartbeat is fresh
    Transfer.objects.filter(pk=transfer.pk).update(heartbeat_at=Now() - timedelta(seconds=61))
    assert actions.sweep_transfers() == 1
    workers.start("default")
    wait_for_status(transfer, "succeeded", "failed")

    assert (transfer.status, transfer.attempt) == ("succeeded", 2)
    assert [p.name for p in directory_of(transfer).parent.iterdir()] == ["attempt-2"]
    written = lines(directory_of(transfer) / "train.jsonl")
    assert len(written) == 4500 * 6
    assert len({(row["chosen_completion"], row["rejected_completion"]) for row in written}) == 4500 * 6


def test_a_running_export_is_cancelled_soon_and_the_worker_takes_the_next(workers, project, annotator):
    make_many_rankings(project, annotator, 5000)
    workers.start("default")
    transfer = start(project, "rankings")
    wait_until(lambda: Transfer.objects.filter(pk=transfer.pk, progress_done__gt=0).exists())

    actions.cancel_export(transfer=transfer, actor=annotator)
    asked = time.monotonic()
    wait_for_status(transfer, "cancelled", "succeeded")

    assert transfer.status == "cancelled"
    assert time.monotonic() - asked < 5
    assert transfer.path == ""
    assert wait_for_status(start(project, "prompts"), "succeeded", "failed").status == "succeeded"


def test_the_command_waits_for_the_worker_and_says_where_the_files_are(workers, project, annotator, capsys):
    make_demonstration(annotator, project)
    make_demonstration(annotator, project, split="valid")
    workers.start("default")

    call_command("export", "sft", "--splits", "valid", "--since", "2026-01-01", "--format", "jsonl")

    directory = Path(capsys.readouterr().out.strip())
    assert [len(lines(file)) for file in directory.glob("*.jsonl")] == [1]
    with pytest.raises(CommandError, match="Nothing is there to export"):
        call_command("export", "rankings")
    with pytest.raises(CommandError, match="is no time"):
        call_command("export", "sft", "--until", "soon")


LOAD = """
import json, sys
from pathlib import Path
import datasets
datasets.disable_progress_bars()
suffix, cache, *directories = sys.argv[1:]
loaded = {}
for number, directory in enumerate(directories):
    files = {file.stem: str(file) for file in Path(directory).glob(f"*.{suffix}")}
    builder = "json" if suffix == "jsonl" else suffix
    by_name = datasets.load_dataset(builder, data_files=files, cache_dir=f"{cache}/{number}/a")
    by_folder = datasets.load_dataset(directory, cache_dir=f"{cache}/{number}/b")
    sizes = {split.replace("validation", "valid"): len(by_folder[split]) for split in by_folder}
    assert sizes == {split: len(by_name[split]) for split in by_name}, sizes
    loaded[directory] = {split: list(by_name[split]) for split in by_name}
print(json.dumps(loaded))
"""


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_datasets_opens_each_by_file_and_by_folder(format, project, annotator, tmp_path):
    make_ranking(annotator, project, (2, 1, 1, 3), texts=["one", "二", "three", "\u2028"])
    make_ranking(annotator, project, split="valid", language="zh", metadata={"a": 1})
    make_ranking(annotator, project, split="test", metadata={"a": ["other", "shape"]}, external_id="7")
    make_demonstration(annotator, project, text="因为。")
    directories = {
        content: str(directory_of(export(project, content, format))) for content in exports.COLUMNS
    }

    arguments = [format, str(tmp_path), *directories.values()]
    finished = subprocess.run(
        [sys.executable, "-c", LOAD, *arguments], capture_output=True, text=True, check=False
    )

    assert finished.returncode == 0, finished.stderr
    by_directory = json.loads(finished.stdout)
    loaded = {content: by_directory[directory] for content, directory in directories.items()}
    pairs = {split: len(rows) for split, rows in loaded["preference"].items()}
    assert pairs == {"train": 5, "valid": 6, "test": 6}
    assert loaded["preference"]["train"][0]["chosen"] == [{"role": "assistant", "content": "二"}]
    assert [row["metadata"] for s in ("valid", "test") for row in loaded["rankings"][s]] == [
        '{"a": 1}',
        '{"a": ["other", "shape"]}',
    ]
    assert loaded["sft"]["train"][0]["completion"] == [{"role": "assistant", "content": "因为。"}]
    assert sum(len(rows) for rows in loaded["prompts"].values()) == 4


TRAIN = """
import sys
from pathlib import Path
import trl
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from training.engine.tiny import make_tiny_model
out, preference, sft, prompts = map(Path, sys.argv[1:])
make_tiny_model(out / "tiny")
tokenizer = AutoTokenizer.from_pretrained(out / "tiny")
policy = lambda: AutoModelForCausalLM.from_pretrained(out / "tiny")
rows = lambda path: load_dataset("json", data_files=str(path), split="train", cache_dir=str(out / "cache"))
short = dict(output_dir=str(out), max_steps=1, report_to=[], use_cpu=True, bf16=False, save_strategy="no")
short["disable_tqdm"] = True

def train(kind, model, path, **options):
    config = dict(per_device_train_batch_size=2) | short | options.pop("config", {})
    config = getattr(trl, f"{kind}Config")(**config)
    data = rows(path)
    trainer = getattr(trl, f"{kind}Trainer")(
        model=model, args=config, train_dataset=data, processing_class=tokenizer, **options
    )
    trainer.train()
    return trainer

train("Reward", AutoModelForSequenceClassification.from_pretrained(out / "tiny", num_labels=1), preference)
train("DPO", policy(), preference)
trained_on = train("SFT", policy(), sft).train_dataset[0]["labels"]
print("trained on", repr(tokenizer.decode([token for token in trained_on if token != -100])))
length = lambda completions, **_columns: [float(len(turns[0]["content"])) for turns in completions]
train("GRPO", policy(), prompts, reward_funcs=length, config=dict(num_generations=2, max_completion_length=4))
"""


def test_trainers_of_trl_take_the_files_as_they_are(project, annotator, tmp_path):
    make_ranking(annotator, project, (2, 1, 3, 3), texts=["one", "二", "three", "four"])
    make_ranking(annotator, project)
    make_demonstration(annotator, project, text="Because.")
    files = [directory_of(export(project, c)) / "train.jsonl" for c in ("preference", "sft", "prompts")]

    finished = subprocess.run(
        [sys.executable, "-c", TRAIN, str(tmp_path), *map(str, files)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    assert "trained on 'Because.<|end|>" in finished.stdout


MEASURE = """
import re, sys
import django
django.setup()
from labeling import actions
actions.run_export(transfer_id=int(sys.argv[1]))
# Not ru_maxrss: that remembers the process this one was forked from.
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_memory_does_not_grow_with_the_record(format, project, annotator, worker_environment):
    """Ten times the pairs, 20,400 instead of 2,040, in the same memory."""

    def peak_kilobytes(filters: dict) -> int:
        transfer = start(project, "preference", format, **filters)
        finished = subprocess.run(
            [sys.executable, "-c", MEASURE, str(transfer.pk)],
            env=worker_environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        transfer.refresh_from_db()
        assert transfer.status == "succeeded"
        return int(finished.stdout)

    make_many_rankings(project, annotator, 3400)
    few = peak_kilobytes({"splits": ("valid",)})
    many = peak_kilobytes({})

    assert many - few < 20_000, (few, many)
