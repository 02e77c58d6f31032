"""What managers do, by commands."""

import json

import pytest
from django.core.management import CommandError, call_command

from labeling.models import Membership, Prompt, Task, Transfer, User


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "prompts.jsonl"
    rows = [{"instruction": "Say hi.", "who": "Ann", "split": "train"}, {"instruction": ""}]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_a_file_is_looked_at_then_read_in(project, file, capsys):
    call_command("import_prompts", file, "--check")
    assert capsys.readouterr().out == "2 rows, 1 broken\nline 2: The prompt is empty.\n"
    assert Prompt.objects.count() == 0

    call_command("import_prompts", file, "--map", "author=who")
    call_command("import_prompts", file, "--no-tasks", "--project", project.name)

    said = capsys.readouterr().out.splitlines()
    assert said[0] == "1 added, 0 known, 1 broken" and said[2] == "0 added, 1 known, 1 broken"
    assert Prompt.objects.get().author.name == "Ann"
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["/nowhere.jsonl"], "cannot be read"),
        (["--project", "Nothing"], "Name the project"),
        (["--map", "colour=who"], "colour is none of"),
        (["--map", "prompt=nowhere"], "no column “nowhere”"),
        (["--by", "nobody@example.org"], "no account"),
    ],
)
def test_a_wrong_command_says_what_to_type(project, file, arguments, words):
    if not arguments[0].startswith("/"):
        arguments = [str(file), *arguments]

    with pytest.raises(CommandError, match=words):
        call_command("import_prompts", *arguments)

    assert Prompt.objects.count() == 0
    assert not Transfer.objects.filter(status="succeeded").exists()


def test_a_person_is_added(project, capsys):
    call_command("add_member", "Nia@example.org", "--project", project.name, "--roles", "manager", "engineer")

    nia = User.objects.get(email="nia@example.org")
    assert nia.check_password(capsys.readouterr().out.strip()) and nia.password_is_temporary
    assert set(Membership.objects.filter(user=nia).values_list("role", flat=True)) == {"manager", "engineer"}
    with pytest.raises(CommandError, match="no project"):
        call_command("add_member", "x@example.org", "--project", "Nothing")


def test_an_account_that_exists_joins_with_its_own_password(project, outsider, capsys):
    call_command("add_member", outsider.email.upper(), "--project", project.name, "--roles", "engineer")

    assert "account already" in capsys.readouterr().out
    assert Membership.objects.get(user=outsider).role == "engineer"
    assert User.objects.get(pk=outsider.pk).password == outsider.password


def test_closed_accounts_do_not_join(project, outsider):
    User.objects.filter(pk=outsider.pk).update(is_active=False)

    with pytest.raises(CommandError, match="is closed"):
        call_command("add_member", outsider.email, "--project", project.name)

    assert not Membership.objects.filter(user=outsider).exists()
