"""Hostile texts in every field that is shown, on every page, with the content security policy enforced."""

import json
import time
from itertools import cycle
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from playwright.sync_api import TimeoutError

from labeling import actions, markdown
from labeling.actions import audit
from labeling.models import Assignment, Completion, Membership, Ranking
from tests import hostile
from tests.making import make_ranking_task
from tests.routes import ROUTES
from tests.scene import make_scene
from training.models import ModelVersion

pytestmark = pytest.mark.browser

# Every free text of both apps and how it is filled here: "together" is all texts after one another, "name"
# one of them in one line, "turns" one a turn, "one" one a row, "json" one a key and a value; or, in words,
# why no person and no model can write it.
FIELDS = {
    "labeling.Announcement.body": "languages",
    "labeling.Answer.question": "made by the program",
    "labeling.Answer.value": "answer",
    "labeling.ApiToken.digest": "made by the program",
    "labeling.ApiToken.name": "name",
    "labeling.ApiToken.prefix": "made by the program",
    "labeling.ApiToken.scopes": "of a fixed list",
    "labeling.Assignment.draft": "draft",
    "labeling.AuditEvent.action": "of a fixed list",
    "labeling.AuditEvent.data": "filled by a change of settings",
    "labeling.AuditEvent.object_type": "made by the program",
    "labeling.BulkChange.action": "of a fixed list",
    "labeling.BulkChange.error": "together",
    "labeling.BulkChange.options": "checked when it enters",
    "labeling.BulkChange.selection": "no page shows it",
    "labeling.Completion.dedupe_key": "made by the program",
    "labeling.Completion.external_id": "name",
    "labeling.Completion.metadata": "json",
    "labeling.Completion.names_model": "name",
    "labeling.Completion.text": "one",
    "labeling.DailyWork.kind": "of a fixed list",
    "labeling.DailyWork.purpose": "of a fixed list",
    "labeling.FaqEntry.answer": "together",
    "labeling.FaqEntry.language": "of a fixed list",
    "labeling.FaqEntry.question": "together",
    "labeling.Demonstration.assistance_tool": "name",
    "labeling.GuidelineVersion.body": "together",
    "labeling.GuidelineVersion.language": "of a fixed list",
    "labeling.IdempotentRequest.body": "no page shows it",
    "labeling.IdempotentRequest.fingerprint": "made by the program",
    "labeling.IdempotentRequest.key": "no page shows it",
    "labeling.Invitation.digest": "made by the program",
    "labeling.Invitation.email": "checked when it enters",
    "labeling.Invitation.languages": "checked when it enters",
    "labeling.Invitation.roles": "of a fixed list",
    "labeling.Membership.languages": "checked when it enters",
    "labeling.Plan.currency": "checked when it enters",
    "labeling.Project.currency": "checked when it enters",
    "labeling.Pause.reason": "together",
    "labeling.Project.language_priorities": "checked when it enters",
    "labeling.Project.languages": "checked when it enters",
    "labeling.Project.model_names": "names",
    "labeling.Project.name": "name",
    "labeling.Project.pause_reason": "together",
    "labeling.Project.time_zone": "checked when it enters",
    "labeling.Project.tokenizer_path": "made by the program",
    "labeling.Prompt.dedupe_key": "made by the program",
    "labeling.Prompt.external_id": "name",
    "labeling.Prompt.language": "name",
    "labeling.Prompt.messages": "turns",
    "labeling.Prompt.metadata": "json",
    "labeling.Prompt.topics": "of a fixed list",
    "labeling.Prompt.submission_key": "made by the program",
    "labeling.PromptDraft.content": "prompt",
    "labeling.QueuePlace.language": "a copy of the prompt's",
    "labeling.QueuePlace.topics": "of a fixed list",
    "labeling.Review.note": "together",
    "labeling.Rate.currency": "checked when it enters",
    "labeling.RubricVersion.questions": "questions",
    "labeling.StageCount.category": "of a fixed list",
    "labeling.StageCount.kind": "of a fixed list",
    "labeling.StageCount.language": "a copy of the prompt's",
    "labeling.StageCount.purpose": "of a fixed list",
    "labeling.StageCount.status": "of a fixed list",
    "labeling.Submission.comment": "together",
    "labeling.Submission.idempotency_key": "no page shows it",
    "labeling.Suspension.reason": "together",
    "labeling.Task.language": "a copy of the prompt's",
    "labeling.Task.topics": "of a fixed list",
    "labeling.TaskSet.name": "name",
    "labeling.ThreadMessage.body": "together",
    "labeling.ThreadMessage.idempotency_key": "no page shows it",
    "labeling.TimesheetLine.currency": "checked when it enters",
    "labeling.TimesheetLine.reason": "together",
    "labeling.Transfer.counts": "made by the program",
    "labeling.Transfer.error": "together",
    "labeling.Transfer.options": "filled by an upload",
    "labeling.Transfer.path": "made by the program",
    "labeling.Transfer.problems": "problems",
    "labeling.User.email": "checked when it enters",
    "labeling.User.language": "of a fixed list",
    "labeling.User.name": "name",
    "labeling.User.password": "made by the program",
    "labeling.User.time_zone": "checked when it enters",
    "labeling.User.topics": "of a fixed list",
    "training.Chain.configs": "checked when it enters",
    "training.Chain.kinds": "of a fixed list",
    "training.Chain.reason": "together",
    "training.Metric.name": "name",
    "training.ModelVersion.metrics": "metrics",
    "training.ModelVersion.name": "name",
    "training.ModelVersion.path": "made by the program",
    "training.ModelVersion.source": "name",
    "training.Promotion.note": "together",
    "training.Run.config": "json",
    "training.Run.error": "together",
    "training.Run.message": "together",
    "training.Run.progress_unit": "name",
    "training.Run.result": "made by the program",
    "training.Run.splits": "of a fixed list",
    "training.RunAttempt.node": "name",
    "training.RunMessage.text": "one",
    "training.Sample.finish_reason": "made by the program",
    "training.SampledText.completion": "one",
    "training.SampledText.prompt": "together",
    "training.Snapshot.content_hash": "made by the program",
    "training.Snapshot.contents": "of a fixed list",
    "training.Snapshot.counts": "made by the program",
    "training.Snapshot.error": "together",
    "training.Snapshot.filters": "json",
    "training.Snapshot.name": "name",
    "training.Snapshot.path": "made by the program",
    "training.Snapshot.problems": "problems",
    "training.Snapshot.source": "no page shows it",
    "training.Trial.messages": "turns",
    "training.TrialAnswer.finish_reason": "made by the program",
    "training.TrialAnswer.text": "one",
}
FILLED = {
    "together",
    "name",
    "names",
    "languages",
    "prompt",
    "one",
    "turns",
    "json",
    "draft",
    "metrics",
    "problems",
    "answer",
    "questions",
}

LOOK = (Path(__file__).parent / "hostile_look.js").read_text()
TIME = """(() => {
  const timing = performance.getEntriesByType("navigation")[0];
  return timing.domComplete - timing.responseEnd;
})()"""


def free_texts():
    for app in ("labeling", "training"):
        for model in apps.get_app_config(app).get_models():
            if model.__name__.endswith("StatusChange"):
                continue
            for field in model._meta.concrete_fields:
                of_text = isinstance(field, models.CharField | models.TextField | models.JSONField)
                if (of_text and not field.choices) or isinstance(field, ArrayField):
                    kind = getattr(field, "base_field", field)
                    if not isinstance(kind, models.IntegerField):
                        yield model, field


def fill(model, field, how):
    """Hostile texts in this field of every row, by turns."""
    texts = cycle(hostile.SHORT.values())
    for number, row in enumerate(model.objects.order_by("pk"), start=1):
        text = next(texts)
        line = hostile.in_one_line(text, (field.max_length or 200) - 4)
        turns = [
            {"role": role, "content": content}
            for role, content in zip(
                cycle(["system", "user", "assistant"]), hostile.SHORT.values(), strict=False
            )
        ]
        value = {
            "together": hostile.TOGETHER,
            "one": text,
            "name": f"{number} {line}",
            "names": [line],
            "languages": {"en": hostile.TOGETHER, "zh": text},
            "turns": [*turns, {"role": "user", "content": hostile.TOGETHER}],
            "json": {line: text, "nested": {line: [text]}},
            "draft": {
                "text": hostile.TOGETHER,
                "comment": text,
                "pasted_characters": text,
                "assistance_tool": line,
                "answers": {"answer-1-remarks": hostile.TOGETHER},
            },
            "prompt": {
                "kind": "few_shot",
                "prompt": hostile.TOGETHER,
                "use_case": text,
                "instruction": hostile.TOGETHER,
                "pairs": [{"query": text, "response": hostile.TOGETHER}],
                "query": line,
                "category": text,
                "language": line,
            },
            "answer": hostile.TOGETHER,
            "questions": [
                question
                | {"name": {"en": f"{number} {line}"}, "help": {"en": other}}
                | (
                    {"options": [{"key": "a", "name": {"en": line}}, {"key": "b", "name": {"en": other}}]}
                    if question["kind"] == "choice"
                    else {}
                )
                for question, line, other in zip(getattr(row, "questions", []), texts, texts, strict=False)
            ],
            "metrics": {line: 1.5, "text": line},
            "problems": [{"line": 1, "reason": text}, {"line": 2, "reason": line}],
        }[how]
        if field.name == "config":
            value = row.config | value
        model.objects.filter(pk=row.pk).update(**{field.name: value})


@pytest.fixture
def scene(live_server):
    """One of everything, and enough rows for each list to show each text."""
    scene = make_scene()
    for number, _text in enumerate(hostile.SHORT):
        member = actions.add_person(email=f"member-{number}@example.org", name="Member")
        actions.add_member(project=scene.project, user=member, role=Membership.Role.ANNOTATOR)
        ModelVersion.objects.create(project=scene.project, kind="policy", number=100 + number, path="x")
    for model, field in free_texts():
        how = FIELDS[f"{model._meta.app_label}.{model.__name__}.{field.name}"]
        if how in FILLED:
            assert model.objects.exists(), f"tests/scene.py makes no {model.__name__}"
            fill(model, field, how)
    scene.project.refresh_from_db()
    make_audit_events(scene)
    scene.arguments["upload"] = make_upload(scene).public_id
    return scene


def make_audit_events(scene):
    """The database lets nobody change them: they are made as hostile as they can be."""
    for text in hostile.SHORT.values():
        data = {hostile.in_one_line(text, 60): audit.change(text, hostile.TOGETHER), "nested": {text: [text]}}
        audit.record("settings_changed", actor=scene.people["admin"], project=scene.project, data=data)


def make_upload(scene):
    """A file of prompts whose name, columns and rows are hostile."""
    rows = [
        json.dumps(
            {
                "prompt": text,
                hostile.in_one_line(text, 60): text,
                "metadata": {text: text},
                "completions": [{"text": text, "model": hostile.in_one_line(text, 60)}],
            }
        )
        for text in hostile.SHORT.values()
    ]
    name = hostile.in_one_line(hostile.SHORT["override"] + hostile.SHORT["quotes"], 80).replace("/", "")
    return actions.upload_import(
        project=scene.project, actor=None, file_name=f"{name}.jsonl", chunks=["\n".join(rows).encode()]
    )


def watched(page, live_server):
    """What a text made the browser do: dialogs, navigations, requests to elsewhere, errors."""
    done = []
    page.on("dialog", lambda dialog: (done.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("popup", lambda popup: done.append("a window opened"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((live_server.url, "data:"))
            else done.append(f"asked {request.url}")
        ),
    )
    return done


def look_at(page, address):
    """Open the page on a phone, then on a desktop; returns what is wrong."""
    page.set_viewport_size({"width": 390, "height": 844})
    answer = page.goto(address, wait_until="load")
    problems = [] if answer.status == 200 else [f"status {answer.status}"]
    problems += [f"phone: {problem}" for problem in page.evaluate(LOOK)]
    page.set_viewport_size({"width": 1280, "height": 800})
    problems += [f"desktop: {problem}" for problem in page.evaluate(LOOK)]
    if not page.title().endswith(" · Preceptor"):
        problems.append(f"title {page.title()!r}")
    if not page.url.endswith(address):
        problems.append(f"went to {page.url}")
    buttons = page.locator("main :is(button, a.button, summary):visible:enabled")
    for button in (page.get_by_role("button", name="Sign out"), buttons.first, buttons.last):
        try:
            if button.count():
                button.click(trial=True, timeout=2000)
        except TimeoutError as error:
            problems.append(f"cannot be clicked: {str(error)[:300]}")
    return problems


def test_every_free_text_is_in_the_table():
    found = {f"{model._meta.app_label}.{model.__name__}.{field.name}" for model, field in free_texts()}

    assert found - FIELDS.keys() == set(), "say in FIELDS how a page shows it, so that it is tried"
    assert FIELDS.keys() - found == set()


@pytest.mark.parametrize("role", ["admin", "annotator"])
def test_no_text_gets_out_of_its_place(role, scene, new_page, live_server):
    page = new_page(scene.people[role])
    done = watched(page, live_server)

    problems = {}
    for name, route in ROUTES.items():
        if route.get == 200 and route.is_page and role in route.who:
            arguments = [scene.arguments[argument] for argument in route.arguments]
            problems[name] = look_at(page, reverse(name, args=arguments))
    if role == "annotator":
        problems["writing"] = look_at(page, reverse("assignment", args=[scene.arguments["writing"]]))

    wrong = [f"{name}: {problem}" for name, found in problems.items() for problem in found]
    assert not wrong, "\n".join(wrong)
    assert done == []


SLATES = [list(hostile.SHORT)[start:][:7] for start in range(0, len(hostile.SHORT), 7)]


@pytest.mark.parametrize("names", SLATES, ids=" ".join)
def test_every_hostile_output_is_ranked_like_any_other(names, project, annotator, new_page, live_server):
    make_ranking_task(project, [hostile.SHORT[name] for name in names])
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    page = new_page(annotator)
    done = watched(page, live_server)

    problems = look_at(page, reverse("assignment", args=[assignment.public_id]))
    links = page.locator(".outputs a").evaluate_all("links => links.map(link => link.protocol)")
    for place in range(1, len(names) + 1):
        page.keyboard.press(str(place))
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing to rank right now")

    assert (problems, done) == ([], [])
    assert set(links) <= {"http:", "https:", "mailto:"}
    assert sorted(Ranking.objects.get().places) == list(range(1, len(names) + 1))


@pytest.mark.parametrize("name", hostile.LONG)
def test_a_hundred_kilobytes_are_there_within_a_second(name, project, annotator, new_page, live_server):
    task = make_ranking_task(project)
    Completion.objects.filter(slots__task=task, slots__slot=1).update(text=hostile.LONG[name])
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    page = new_page(annotator)

    problems = look_at(page, reverse("assignment", args=[assignment.public_id]))
    page.keyboard.press("1")

    assert problems == []
    assert page.locator(".rail-places .chip").count() == 1
    assert page.evaluate(TIME) < 1000


@pytest.mark.parametrize("name", hostile.ALL)
def test_each_text_is_rendered_within_a_second(name):
    begun = time.process_time()
    markdown.render(hostile.ALL[name])

    assert time.process_time() - begun < 1


def test_an_answer_that_is_hostile_comes_back_as_it_was_written(scene, client_for):
    annotator = scene.people["annotator"]
    writing = Assignment.objects.get(public_id=scene.arguments["writing"])
    sent = {"text": hostile.TOGETHER, "comment": hostile.TOGETHER, "idempotency_key": "k"}

    client_for(annotator).post(reverse("submit", args=[writing.public_id]), sent)

    kept = writing.submissions.get()
    assert kept.demonstration.completion.text == hostile.TOGETHER
    assert kept.comment == hostile.TOGETHER
