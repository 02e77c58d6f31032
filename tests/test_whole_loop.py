"""Once round with a tiny model and real workers: the path of `make loop`, and on to the next round."""

import time
from pathlib import Path

import pytest
from django.conf import settings

from labeling.models import Submission, Task
from training import actions
from training.engine.tiny import make_tiny_model
from training.loop import LoopSettings, run_loop
from training.models import ModelVersion, Run, Sample, SnapshotMember

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PREFERENCE = '''
def preference(prompt, completion):
    """More lower-case letters, as a share of the text."""
    return 4 * sum(c.islower() and c.isascii() for c in completion) / max(1, len(completion))
'''


def add_tiny_policy(project):
    directory = Path(settings.ARTIFACTS_DIR) / "models" / "tiny"
    if not directory.exists():
        make_tiny_model(directory)
    return actions.register_model(
        project=project, kind=ModelVersion.Kind.POLICY, directory="models/tiny", name="tiny"
    )


def test_once_round_the_loop_and_into_the_next(celery_workers, tmp_path):
    preference = tmp_path / "preference.py"
    preference.write_text(PREFERENCE)
    said = []

    figures = run_loop(
        project_name="Tiny loop",
        add_policy=add_tiny_policy,
        settings=LoopSettings(
            at_most={"train": 16, "valid": 8, "test": 12},
            preference=preference,
            sample={"max_new_tokens": 12, "temperature": 1.0},
            reward_model={"learning_rate": 1e-2, "epochs": 4, "batch_size": 4, "layers": None},
            ppo={
                "steps": 2,
                "episodes_per_step": 16,
                "minibatches": 2,
                "max_new_tokens": 12,
                "temperature": 1.0,
                "trainable_layers": None,
            },
        ),
        say=said.append,
    )

    # 16 + 8 prompts were ranked, each once, by simulated annotators.
    assert Submission.objects.filter(origin="simulated").count() == 24
    assert set(Task.objects.values_list("status", flat=True)) == {"complete"}
    # Which judgments made the policy? Its reward model's snapshot says so, in two joins.
    policy = ModelVersion.objects.get(kind="policy", number=1)
    reward_model = policy.run.inputs.get(role="reward_model").model_version
    members = SnapshotMember.objects.filter(snapshot=reward_model.run.snapshot)
    assert set(members.values_list("submission_id", flat=True)) == set(
        Submission.objects.values_list("pk", flat=True)
    )
    # The figures are of the test prompts, one answer each of three runs.
    assert figures["n"] == 12
    assert Sample.objects.filter(prompt__split="test").count() == 36
    assert figures["win_rate_low"] <= figures["win_rate"] <= figures["win_rate_high"]
    assert figures["win_rate_self_low"] <= figures["win_rate_self"] <= figures["win_rate_self_high"]
    assert 0.5 < figures["accuracy_allowed_by_noise"] < 1
    # Whether it learns, tests/training/engine shows on rankings without chance; here it is the bookkeeping.
    assert figures["reward_model_accuracy"] == reward_model.metrics["valid_accuracy"]
    assert reward_model.metrics["valid_rankings"] == 8
    assert len(figures["texts"]) == 5

    # Promoted, it is sampled, and what it says goes back to the people as a second round.
    run = actions.promote_model(project=policy.project, version=policy, user=None, note="better")
    wait_until_over(run)
    assert run.status == "succeeded"
    assert Task.objects.filter(round=run.round, status="open").count() == 24


def wait_until_over(run: Run) -> None:
    deadline = time.monotonic() + 60
    while not run.is_over and time.monotonic() < deadline:
        time.sleep(0.2)
        run.refresh_from_db()
