"""Taking in what a run reports. The same report twice is the same as once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from labeling import actions as labeling_actions
from labeling import queries as labeling_queries
from labeling.models import Completion, Prompt
from training.actions.attempts import locked_run
from training.models import Metric, Run, RunInput, RunMessage, Sample, SampledText, Score, TrialAnswer


@transaction.atomic
def record_events(*, run_id: int, attempt: int, events: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Keep progress, numbers and texts of a run.

    events: (byte offset in events.jsonl, event), in order; those of earlier attempts may be among them.
    Raises Superseded.
    """
    run = locked_run(run_id, attempt)
    metrics: list[Metric] = []
    texts: list[SampledText] = []
    messages: list[RunMessage] = []
    for position, event in events:
        if event.get("type") in {"message", "error"}:
            messages.append(_message(run, position, event))
        match event.get("type"):
            case "progress" if event["attempt"] == attempt:
                run.progress_done, run.progress_total = event["done"], event["total"]
                run.progress_unit = event["unit"]
            case "message" if event["attempt"] == attempt:
                run.message = clean(event["text"])
            case "metrics":
                metrics += _metrics(run, event)
            case "text":
                texts.append(_sampled_text(run, position, event))
    run.save(update_fields=["progress_done", "progress_total", "progress_unit", "message"])
    _note_first_progress(run, attempt, events)
    Metric.objects.bulk_create(metrics, batch_size=1000, ignore_conflicts=True)
    SampledText.objects.bulk_create(texts, batch_size=1000, ignore_conflicts=True)
    RunMessage.objects.bulk_create(messages, batch_size=1000, ignore_conflicts=True)


def record_message(*, run_id: int, attempt: int, message: str) -> None:
    """What the worker does for the run outside the engine."""
    Run.objects.filter(pk=run_id, attempt=attempt, status=Run.Status.RUNNING).update(message=message)


@transaction.atomic
def record_completions(*, run_id: int, attempt: int, completions: Sequence[Mapping[str, Any]]) -> int:
    """Keep sampled completions; a prompt whose last one came becomes a ranking task at once.

    completions: lines of completions.jsonl; those already kept are passed over. Of a trial they become its
    answer and nothing else. Returns how many tasks were opened. Raises Superseded.
    """
    run = locked_run(run_id, attempt)
    if (answer := TrialAnswer.objects.filter(run=run).first()) is not None:
        _keep_answer(answer, completions)
        return 0
    prompts = labeling_queries.prompts_by_public_id(
        run.project, [str(line["prompt_id"]) for line in completions]
    )
    known = set(Sample.objects.filter(run=run, prompt__in=prompts.values()).values_list("prompt_id", "index"))
    version = run.inputs.get(role=RunInput.Role.POLICY).model_version
    touched: dict[int, Prompt] = {}
    for line in completions:
        prompt = prompts.get(str(line["prompt_id"]))
        # A prompt that was deleted meanwhile leaves nothing to answer.
        if prompt is None or (prompt.pk, line["index"]) in known:
            continue
        known.add((prompt.pk, line["index"]))
        completion = labeling_actions.add_completion(prompt=prompt, text=clean(line["text"]))
        _keep_sample(run, version.pk, prompt, completion, line)
        touched[prompt.pk] = prompt
    return sum(_open_task_if_whole(run, prompt) for prompt in touched.values())


@transaction.atomic
def record_scores(*, run_id: int, attempt: int, scores: Sequence[Mapping[str, Any]]) -> None:
    """Keep what a reward model, or an ensemble, says of completions; those already kept are passed over.

    scores: lines of scores.jsonl. Completions that were deleted meanwhile are left out. Raises Superseded.
    """
    run = locked_run(run_id, attempt)
    found = Completion.objects.filter(
        prompt__project=run.project_id, public_id__in=[line["completion_id"] for line in scores]
    )
    completions = {str(public_id): pk for pk, public_id in found.values_list("pk", "public_id")}
    first = run.inputs.filter(role=RunInput.Role.REWARD_MODEL).earliest("pk")
    Score.objects.bulk_create(
        (
            Score(
                run=run,
                model_version_id=first.model_version_id,
                completion_id=completions[line["completion_id"]],
                value=line["score"],
                spread=line["spread"],
            )
            for line in scores
            if line["completion_id"] in completions
        ),
        batch_size=1000,
        ignore_conflicts=True,
    )


def clean(text: str) -> str:
    """Text as PostgreSQL can keep it: without NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def _keep_answer(answer: TrialAnswer, completions: Sequence[Mapping[str, Any]]) -> None:
    for line in completions:
        answer.text = clean(line["text"])
        answer.finish_reason, answer.token_count = line["finish_reason"], line["token_count"]
    answer.save(update_fields=["text", "finish_reason", "token_count"])


def _keep_sample(
    run: Run, version_id: int, prompt: Prompt, completion: Completion, line: Mapping[str, Any]
) -> None:
    Sample.objects.create(
        completion=completion,
        prompt=prompt,
        model_version_id=version_id,
        run=run,
        index=line["index"],
        seed=line["seed"],
        temperature=run.config["temperature"],
        finish_reason=line["finish_reason"],
        token_count=line["token_count"],
        logprob=line.get("logprob"),
    )


def _open_task_if_whole(run: Run, prompt: Prompt) -> bool:
    # Within the transaction that brought the last sample, so a prompt is whole here exactly once.
    samples = Sample.objects.filter(run=run, prompt=prompt).select_related("completion").order_by("index")
    completions = [sample.completion for sample in samples]
    if len(completions) != run.config["completions_per_prompt"]:
        return False
    task = labeling_actions.open_ranking_task(prompt=prompt, completions=completions, round=run.round)
    return task is not None


def _note_first_progress(run: Run, attempt: int, events: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    for _position, event in events:
        if event.get("type") == "progress" and event["attempt"] == attempt:
            run.attempts.filter(number=attempt, progress_from=None).update(
                progress_from=event["done"], progress_from_at=Now()
            )
            return


def _metrics(run: Run, event: Mapping[str, Any]) -> list[Metric]:
    return [
        Metric(run=run, attempt=event["attempt"], step=event["step"], name=name[:64], value=value)
        for name, value in event["values"].items()
    ]


def _message(run: Run, position: int, event: Mapping[str, Any]) -> RunMessage:
    level = "error" if event["type"] == "error" else event.get("level", "info")
    return RunMessage(
        run=run,
        position=position,
        attempt=event["attempt"],
        level=level if level in RunMessage.Level.values else RunMessage.Level.INFO,
        text=clean(event["text"]),
        said_at=datetime.fromtimestamp(event.get("time", 0), UTC),
    )


def _sampled_text(run: Run, position: int, event: Mapping[str, Any]) -> SampledText:
    return SampledText(
        run=run,
        position=position,
        attempt=event["attempt"],
        step=event["step"],
        prompt=clean(event["prompt"]),
        completion=clean(event["completion"]),
        score=event["score"],
    )
