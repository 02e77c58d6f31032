"""Makes training's rows for tests, through the actions where there is one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labeling import actions as labeling_actions
from labeling.models import Membership, Project, Submission, User
from tests.making import make_prompt, make_ranking_task
from training import actions
from training.models import ModelVersion, Run, Snapshot

TINY_SAMPLE = {"max_new_tokens": 8, "rows_in_flight": 16, "dtype": "float32"}
TINY_PPO = {
    "episodes_per_step": 8,
    "minibatches": 2,
    "max_new_tokens": 8,
    "rows_in_flight": 8,
    "checkpoint_every": 1,
    "eval_every": 1000,
    "kl_cap": 1000.0,
    "dtype": "float32",
}


def make_model_directory(path: Path) -> Path:
    """Looks like a model to the registry, which does not open it."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text("{}")
    return path


def make_version(project: Project | None, path: Path, kind: str = "policy") -> ModelVersion:
    return actions.register_model(
        project=project, kind=ModelVersion.Kind(kind), directory=make_model_directory(path)
    )


def make_promoted(version: ModelVersion) -> ModelVersion:
    """Promoted without the sample run that a promotion starts."""
    ModelVersion.objects.filter(pk=version.pk).update(is_promoted=True)
    version.refresh_from_db()
    return version


def make_sample_run(policy: ModelVersion, config: Mapping[str, Any] | None = None, **fields: Any) -> Run:
    assert policy.project is not None
    if not policy.project.prompts.exists():
        make_prompt(policy.project)
    return actions.start_run(
        project=policy.project,
        kind="sample",
        inputs={"policy": policy},
        actor=None,
        config=TINY_SAMPLE | dict(config or {}),
        **fields,
    )


def make_claimed_run(policy: ModelVersion, **fields: Any) -> Run:
    run = actions.claim_run(run_id=make_sample_run(policy, **fields).pk, node="node-1")
    assert run is not None
    return run


def make_ranking(
    user: User, project: Project, places: tuple[int, ...] = (1, 2, 3, 4), **prompt: Any
) -> Submission:
    """A ranking task and this person's ranking of it."""
    make_ranking_task(project, prompt=make_prompt(project, **prompt))
    assignment = labeling_actions.claim_task(user=user, project=project, kind="rank")
    assert assignment is not None
    pairs = list(enumerate(places, start=1))
    return labeling_actions.submit_ranking(assignment=assignment, places=pairs, idempotency_key="first")


def make_snapshot(project: Project, **fields: Any) -> Snapshot:
    """Taken and built."""
    snapshot = actions.take_snapshot(project=project, user=None, **fields)
    actions.build_snapshot(snapshot_id=snapshot.pk)
    snapshot.refresh_from_db()
    return snapshot


def make_engineer(project: Project, name: str) -> User:
    user = labeling_actions.add_person(email=f"{name}@example.org", name=name)
    labeling_actions.add_member(project=project, user=user, role=Membership.Role.ENGINEER)
    return user
