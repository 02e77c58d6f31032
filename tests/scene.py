"""One project that has one of everything, for tests that open every address.

Rows that only a worker makes while it works are put there as they would lie.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings

from labeling import actions as labeling_actions
from labeling.models import (
    Announcement,
    Answer,
    ApiToken,
    Assignment,
    Invitation,
    Project,
    RubricVersion,
    Submission,
    Suspension,
    TaskSet,
    Transfer,
    User,
    WorkTime,
)
from labeling.plans import Workload
from labeling.rubrics.questions import Option, Question
from labeling.selections import Selection
from tests.making import make_demonstration_task, make_prompt, make_ranking_task
from tests.training.making import make_promoted, make_ranking, make_sample_run, make_snapshot, make_version
from training.models import (
    Chain,
    Metric,
    ModelVersion,
    Promotion,
    Run,
    RunAttempt,
    RunMessage,
    SampledText,
    Snapshot,
    Trial,
    TrialAnswer,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Scene:
    project: Project
    # Role → the person who has it here; "elsewhere" has every role in another project, "suspended" every one
    # here, were it not for that; "anonymous" is nobody.
    people: dict[str, User | None]
    # What stands in an address: name → public id, or a word such as the kind of a task.
    arguments: dict[str, Any]


ROLES = ("annotator", "reviewer", "manager", "engineer")


def make_scene() -> Scene:
    project = labeling_actions.create_project(name="Everything", creator=None)
    people = make_people(project)
    models = Path(settings.ARTIFACTS_DIR) / "models"
    promoted = make_promoted(make_version(project, models / "promoted"))
    candidate = make_version(project, models / "candidate")
    base = make_version(None, models / "base", kind="base")
    arguments = make_labeling(project, people) | make_training(project, promoted, candidate)
    return Scene(
        project=project,
        people=people,
        arguments=arguments
        | {
            "project": project.public_id,
            "candidate": candidate.public_id,
            "base": base.public_id,
            "rank": "rank",
            "sample": "sample",
        },
    )


def make_labeling(project: Project, people: dict[str, User | None]) -> dict[str, Any]:
    annotator, manager = people["annotator"], people["manager"]
    assert annotator is not None and manager is not None
    guidelines = labeling_actions.publish_guidelines(
        project=project, language="en", body="Be kind.", author=manager
    )
    make_ranking(annotator, project)
    make_ranking(annotator, project, split="valid")
    rubric = make_rubric(project, manager)
    Answer.objects.create(
        submission=Submission.objects.earliest("pk"), question="remarks", slot=1, value="Well put."
    )
    Submission.objects.update(rubric_version=rubric)
    Submission.objects.update(comment="Close.")
    judged, returned = Submission.objects.order_by("pk")
    labeling_actions.review_submission(
        submission=returned, reviewer=manager, verdict="returned", note="Read C once more."
    )
    task = make_ranking_task(project, [f"Output {number}." for number in range(9)])
    make_written(annotator, project)
    labeling_actions.save_prompt_draft(
        user=annotator, project=project, content={"kind": "plain", "prompt": "Half a"}, version=0
    )
    make_demonstration_task(project)
    assignment = labeling_actions.claim_task(user=annotator, project=project, kind="rank")
    writing = labeling_actions.claim_task(user=annotator, project=project, kind="demonstrate")
    assert assignment is not None and writing is not None
    upload = labeling_actions.upload_import(
        project=project,
        actor=manager,
        file_name="prompts.jsonl",
        chunks=[b'{"prompt": "Why?", "team": "a"}\n', b'{"prompt": ""}\n'],
    )
    token = ApiToken.objects.create(
        user=annotator,
        name="Script",
        digest="0" * 64,
        prefix="pct_0000",
        expires_at=NOW + timedelta(days=9999),
    )
    change = labeling_actions.start_bulk_change(
        project=project,
        actor=manager,
        action="reopen",
        selection={"filter": {}},
        options={},
        told=project.tasks.count(),
    )
    labeling_actions.stop_bulk_change(change=change, actor=manager)
    return {
        "prompt": task.prompt.public_id,
        "bulk change": change.public_id,
        "table": "tasks",
        "many": "tasks",
        "assignment": assignment.public_id,
        "writing": writing.public_id,
        **make_questions(assignment, writing, manager),
        **make_hours(project, annotator, manager),
        "announcement": make_announcements(project, manager).public_id,
        "submission": judged.public_id,
        "task": task.public_id,
        "task set": make_set(project, annotator).public_id,
        "guideline version": guidelines.public_id,
        "rubric version": rubric.public_id,
        "annotator": annotator.public_id,
        "invitation": make_invitation(project, manager).public_id,
        "suspension": Suspension.objects.get(project=project).public_id,
        "token": token.public_id,
        "upload": upload.public_id,
        "opening": make_launch(project, manager).public_id,
        "import": make_transfer(project, manager, "import").public_id,
        "export": make_transfer(project, manager, "export").public_id,
        "no file": "no-such-file.jsonl",
    }


def make_invitation(project: Project, manager: User) -> Invitation:
    """One that was accepted, and one that is open."""
    known = labeling_actions.invite(project=project, actor=manager, roles=["annotator"])
    labeling_actions.accept_invitation(key=known.key, user=manager)
    return labeling_actions.invite(
        project=project, actor=manager, roles=["annotator"], email="new@example.org"
    ).invitation


def make_questions(answered: Assignment, waiting: Assignment, manager: User) -> dict[str, Any]:
    """One that was answered and published, and one that waits."""
    labeling_actions.ask_question(assignment=waiting, body="How long?", idempotency_key="1")
    asked = labeling_actions.ask_question(assignment=answered, body="Do ties count?", idempotency_key="1")
    labeling_actions.answer_question(
        thread=asked.thread, author=manager, body="They do.", idempotency_key="2", seen=1
    )
    entry = labeling_actions.publish_faq_entry(
        project=answered.task.project,
        language="en",
        question="Do ties count?",
        answer="They do.",
        author=manager,
        thread=asked.thread,
    )
    return {"thread": asked.thread.public_id, "faq entry": entry.public_id}


def make_launch(project: Project, manager: User) -> Transfer:
    """A plan in force, a pilot under way, and an opening of tasks that waits for a worker."""
    workload = Workload(
        prompts=100,
        completions_per_prompt=4,
        overlap_share=0.15,
        overlap_people=3,
        minutes=4.5,
        people=6,
        hours_a_day=4,
        hourly_rate=Decimal(25),
    )
    labeling_actions.apply_plan(project=project, actor=manager, workload=workload, currency="EUR")
    labeling_actions.start_pilot(project=project, actor=manager, kind="demonstrate", size=1)
    return labeling_actions.start_opening(
        project=project,
        actor=manager,
        selection=Selection(kind="demonstrate", round=2, without_task=False),
    )


def make_set(project: Project, annotator: User) -> TaskSet:
    """Without tasks; and a pause that is over."""
    labeling_actions.pause_project(project=project, reason="New guidelines.", actor=annotator)
    labeling_actions.resume_project(project=project, actor=annotator)
    return labeling_actions.create_task_set(
        project=project, name="Experts", people=[annotator], group="held_out", actor=None
    )


def make_hours(project: Project, annotator: User, manager: User) -> dict[str, Any]:
    """A closed period, and one that is open, in which the closed one is corrected."""
    labeling_actions.set_rate(
        project=project,
        user=annotator,
        amount=Decimal("21.5"),
        currency="EUR",
        valid_from=NOW.date(),
        author=manager,
    )
    today = datetime.now(UTC).date()
    WorkTime.objects.create(project=project, user=annotator, begun_at=datetime.now(UTC), seconds=600)
    closed, running = (
        labeling_actions.open_period(project=project, begin=begin, end=end, actor=manager)
        for begin, end in (
            (NOW.date(), NOW.date() + timedelta(days=14)),
            (today - timedelta(days=9), today + timedelta(days=9)),
        )
    )
    labeling_actions.close_period(period=closed, actor=manager)
    labeling_actions.correct_period(
        period=closed, user=annotator, author=manager, reason="Ten minutes were missing.", minutes=10
    )
    return {"timesheet": running.public_id, "closed timesheet": closed.public_id}


def make_announcements(project: Project, manager: User) -> Announcement:
    """One for the project, and one for everybody on this site."""
    for announced_to in (None, project):
        announcement = labeling_actions.announce(
            project=announced_to,
            body={"en": "We are closed on **Friday**."},
            first_day=NOW.date(),
            last_day=None,
            author=manager,
        )
    return announcement


def make_written(annotator: User, project: Project) -> None:
    make_demonstration_task(project)
    assignment = labeling_actions.claim_task(user=annotator, project=project, kind="demonstrate")
    assert assignment is not None
    labeling_actions.submit_demonstration(
        assignment=assignment,
        text="An answer.",
        idempotency_key="k",
        pasted_characters=5,
        assistance="edited",
        assistance_tool="A tool",
    )


def make_rubric(project: Project, author: User) -> RubricVersion:
    """Each kind of question about the prompt and about each output."""
    questions = [
        Question(
            key={"text": "remarks"}.get(kind, kind) if per == "completion" else f"prompt_{kind}",
            kind=kind,
            per=per,
            name={"en": f"A {kind}"},
            help={"en": "Look closely."},
            options=(Option("a", {"en": "one"}), Option("b", {"en": "other"})) if kind == "choice" else (),
        )
        for per in ("completion", "prompt")
        for kind in ("scale", "flag", "choice", "text")
    ]
    return labeling_actions.publish_rubric(project=project, questions=questions, author=author)


def make_transfer(project: Project, user: User, direction: str) -> Transfer:
    return Transfer.objects.create(
        project=project,
        direction=direction,
        content="prompts",
        format="jsonl",
        status="failed",
        error="The disk is full.",
        problems=[{"line": 1, "reason": "It is empty."}],
        counts={"added": 1, "known": 2, "broken": 1} if direction == "import" else {},
        created_by=user,
        started_at=NOW,
        finished_at=NOW,
    )


def make_training(project: Project, promoted: ModelVersion, candidate: ModelVersion) -> dict[str, Any]:
    run = make_working_run(promoted)
    failed = make_sample_run(promoted)
    Run.objects.filter(pk=failed.pk).update(status="failed", error="Out of memory.", finished_at=NOW)
    Promotion.objects.create(project=project, to_version=promoted, note="Reads better.")
    chain = Chain.objects.create(
        project=project,
        snapshot=make_snapshot(project),
        kinds=["reward_model"],
        status="failed",
        reason="The run failed.",
        finished_at=NOW,
    )
    trial = Trial.objects.create(project=project, messages=[{"role": "user", "content": "Hello?"}])
    for place, version in enumerate([promoted, candidate], start=1):
        answering = make_sample_run(version)
        TrialAnswer.objects.create(
            trial=trial, place=place, model_version=version, run=answering, text="Hello!", token_count=2
        )
    Snapshot.objects.create(
        project=project,
        contents=["corpus"],
        name="Encyclopedia",
        status="failed",
        error="1 line is broken: mend it.",
        problems=[{"line": 1, "reason": "Its text is empty."}],
    )
    return {
        "run": run.public_id,
        "failed run": failed.public_id,
        "chain": chain.public_id,
        "trial": trial.public_id,
    }


def make_working_run(policy: ModelVersion) -> Run:
    """In its first attempt, with numbers, texts, sentences and a log."""
    run = make_sample_run(policy)
    Run.objects.filter(pk=run.pk).update(
        status="running", attempt=1, started_at=NOW, progress_done=1, progress_total=9, message="Working."
    )
    RunAttempt.objects.create(run=run, number=1, node="node-1", pid=1)
    for position in range(20):
        values = {"run": run, "attempt": 1}
        Metric.objects.create(step=1, name=f"measure-{position}", value=position, **values)
        SampledText.objects.create(position=position, step=1, prompt="p", completion="c", **values)
        RunMessage.objects.create(position=position, level="info", text="Said.", said_at=NOW, **values)
    run.directory.mkdir(parents=True, exist_ok=True)
    (run.directory / "log.txt").write_text("started\n")
    run.refresh_from_db()
    return run


def make_people(project: Project) -> dict[str, User | None]:
    people: dict[str, User | None] = {"anonymous": None}
    for role in ROLES:
        user = labeling_actions.add_person(email=f"{role}@example.org", name=role.title())
        labeling_actions.add_member(project=project, user=user, role=role)
        people[role] = user
    people["admin"] = labeling_actions.add_person(email="admin@example.org", name="Admin", is_site_admin=True)
    people["outsider"] = labeling_actions.add_person(email="outsider@example.org", name="Outsider")
    elsewhere = labeling_actions.add_person(email="elsewhere@example.org", name="Elsewhere")
    other = labeling_actions.create_project(name="Another project", creator=None)
    make_prompt(other)
    for role in ROLES:
        labeling_actions.add_member(project=other, user=elsewhere, role=role)
    people["elsewhere"] = elsewhere
    suspended = labeling_actions.add_person(email="suspended@example.org", name="Suspended")
    for role in ROLES:
        labeling_actions.add_member(project=project, user=suspended, role=role)
    admin = people["admin"]
    assert admin is not None
    labeling_actions.suspend_member(
        project=project, user=suspended, actor=admin, reason="Answers from a model.", sets_aside=True
    )
    people["suspended"] = suspended
    return people
