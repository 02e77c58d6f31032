"""What managers do, by commands."""

import json

import pytest
from django.core.management import CommandError, call_command

from labeling.models import Membership, Prompt, Task, Transfer, User
from tests.labeling.importing import parquet


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


@pytest.fixture
def folder(tmp_path):
    rows = [
        {"frage": f"Which is {n}?", "eins": f"The first of {n}", "zwei": f"Another {n}"} for n in range(3)
    ]
    (tmp_path / "birds" / "data").mkdir(parents=True)
    (tmp_path / "birds" / "README.md").write_text("# Birds")
    (tmp_path / "birds" / "data" / "train-00000-of-00001.parquet").write_bytes(parquet(rows[:2]))
    (tmp_path / "birds" / "data" / "test-00000-of-00001.parquet").write_bytes(parquet(rows[2:]))
    return tmp_path / "birds"


def test_a_folder_on_the_servers_disk_comes_in_with_its_outputs(project, folder, capsys):
    reading = ["--map", "prompt=frage", "--outputs", "eins=Wren-2", "zwei=Finch 3"]
    call_command("import_prompts", folder, *reading, "--check")
    assert capsys.readouterr().out.splitlines() == [
        "3 rows, 0 broken",
        "3 prompts with 2 outputs",
        "3 outputs of Wren-2",
        "3 outputs of Finch 3",
    ]

    call_command("import_prompts", folder, *reading, "--splits", "test=out", "--no-tasks")
    assert capsys.readouterr().out.splitlines()[:2] == [
        "2 added, 0 known, 0 broken",
        "4 outputs added, 0 ranking tasks opened",
    ]
    call_command("import_prompts", folder, *reading)

    assert capsys.readouterr().out.splitlines()[:2] == [
        "1 added, 2 known, 0 broken",
        "2 outputs added, 3 ranking tasks opened",
    ]
    assert sorted(Prompt.objects.values_list("split", flat=True)) == ["test", "train", "train"]


def test_a_part_that_is_not_there_is_named_with_those_that_are(project, folder):
    with pytest.raises(CommandError, match="nowhere is none of test, train"):
        call_command("import_prompts", folder, "--map", "prompt=frage", "--splits", "nowhere=out")


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
