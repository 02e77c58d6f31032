"""One project that has one of everything, for tests that open every address."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from labeling import actions as labeling_actions
from labeling.models import Project, User
from tests.making import make_demonstration_task, make_prompt, make_ranking_task
from tests.training.making import make_promoted, make_ranking, make_sample_run, make_snapshot, make_version
from training import actions


@dataclass(frozen=True)
class Scene:
    project: Project
    # Role → the person who has it here; "elsewhere" has every role in another project, "anonymous" is nobody.
    people: dict[str, User | None]
    # What stands in an address: name → public id, or a word such as the kind of a task.
    arguments: dict[str, Any]


ROLES = ("annotator", "reviewer", "manager", "engineer")


def make_scene() -> Scene:
    project = labeling_actions.create_project(name="Everything", creator=None)
    people = make_people(project)
    annotator = people["annotator"]
    assert annotator is not None
    guidelines = labeling_actions.publish_guidelines(
        project=project, language="en", body="Be kind.", author=people["manager"]
    )
    make_ranking(annotator, project)
    make_ranking(annotator, project, split="valid")
    task = make_ranking_task(project)
    make_demonstration_task(project)
    assignment = labeling_actions.claim_task(user=annotator, project=project, kind="rank")
    writing = labeling_actions.claim_task(user=annotator, project=project, kind="demonstrate")
    assert assignment is not None and writing is not None
    models = Path(settings.ARTIFACTS_DIR) / "models"
    promoted = make_promoted(make_version(project, models / "promoted"))
    candidate = make_version(project, models / "candidate")
    run = make_sample_run(promoted)
    run.directory.mkdir(parents=True, exist_ok=True)
    (run.directory / "log.txt").write_text("started\n")
    chain = actions.start_chain(
        project=project, kinds=["reward_model"], actor=None, snapshot=make_snapshot(project)
    )
    return Scene(
        project=project,
        people=people,
        arguments={
            "project": project.public_id,
            "assignment": assignment.public_id,
            "writing": writing.public_id,
            "task": task.public_id,
            "guideline version": guidelines.public_id,
            "annotator": annotator.public_id,
            "run": run.public_id,
            "candidate": candidate.public_id,
            "chain": chain.public_id,
            "rank": "rank",
            "sample": "sample",
        },
    )


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
    return people
