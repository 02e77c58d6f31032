"""Importing prompts: what is refused, what becomes of each row, and never anything twice."""

import pytest

from labeling import actions
from labeling.actions.importing import split_of
from labeling.errors import Conflict, DomainError
from labeling.imports.files import FileRefused
from labeling.models import Prompt, Task, Transfer, User
from tests.labeling.importing import counts, first_look, jsonl, reader, reasons, uploader
from tests.making import make_prompt


@pytest.fixture
def upload(project, manager):
    return uploader(project, manager)


@pytest.fixture
def read_in(upload, manager):
    return reader(upload, manager)


def test_every_field_of_a_row_arrives_and_all_other_columns_stay_as_metadata(read_in, project):
    row = {
        "prompt": "Name three rivers.",
        "author": "Rosa Luna",
        "category": "Open QA",
        "language": "en",
        "source": "user_based",
        "split": "validation",
        "external_id": "ours-7",
        "team": {"id": 7},
        "score": 0.5,
    }

    transfer = read_in(jsonl(row))

    prompt = Prompt.objects.get(project=project)
    assert (transfer.status, transfer.error) == ("succeeded", "")
    assert prompt.messages == [{"role": "user", "content": "Name three rivers."}]
    assert (prompt.author.name, prompt.author.kind) == ("Rosa Luna", User.Kind.IMPORT)
    assert not prompt.author.has_usable_password()
    assert (prompt.category, prompt.source, prompt.split) == ("open_qa", "user_based", "valid")
    assert (prompt.external_id, prompt.language) == ("ours-7", "en")
    assert prompt.metadata == {"team": {"id": 7}, "score": 0.5}


def test_messages_of_several_turns_come_in_whole(read_in, project):
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi!"},
        {"role": "user", "content": "为什么？"},
    ]

    read_in(jsonl({"messages": turns}, {"messages": turns[:2]}))

    assert Prompt.objects.get(project=project).messages == turns


def test_a_csv_with_quotes_line_breaks_commas_a_mark_and_chinese(read_in, project):
    content = (
        "\ufeffprompt,author,language,note\r\n"
        '"Say ""hello"", please",Ann,en,plain\r\n'
        '"Two\r\nlines, and a comma",Ann,en,\r\n'
        "写一段话，介绍“秋天”。,李雷,zh,中文\r\n"
    ).encode()

    transfer = read_in(content, "prompts.csv")

    texts = list(Prompt.objects.filter(project=project).order_by("pk").values_list("messages", flat=True))
    assert [turns[0]["content"] for turns in texts] == [
        'Say "hello", please',
        "Two\r\nlines, and a comma",
        "写一段话，介绍“秋天”。",
    ]
    assert counts(transfer) == {"added": 3, "known": 0, "broken": 0}
    assert transfer.options["has_mark"] is True
    assert Prompt.objects.get(language="zh").metadata == {"note": "中文"}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_seen(read_in, project, delimiter):
    content = f"id{delimiter}prompt\n1{delimiter}One, two\n".encode()

    read_in(content, "prompts.csv")

    assert Prompt.objects.get(project=project).messages[0]["content"] == "One, two"


def test_broken_rows_are_named_by_line_and_the_others_come_in(read_in):
    content = jsonl(
        {"prompt": "good"},
        b"{not json\n",
        b"\n",
        b"[1, 2]\n",
        {"prompt": "   "},
        {"prompt": "x", "category": "poetry"},
        {"prompt": "x", "split": "training"},
        {"prompt": "x", "language": "english, please"},
        b'{"prompt": "a\\u0000b"}\n',
        b'{"prompt": "half \\ud800"}\n',
        b'{"prompt": "x", "n": NaN}\n',
        b'{"prompt": "x", "n": 1e999}\n',
        b'{"prompt": "caf\xe9"}\n',
        b'{"prompt": "raw \x00"}\n',
        {"prompt": "x", "external_id": ["a"]},
        {"prompt": "x", "external_id": "a" * 201},
        {"prompt": [{"role": "robot", "content": "x"}]},
        {"prompt": "x" * 1_000_001},
        b"[" * 100_000 + b"\n",
        {"prompt": "good too"},
    )

    transfer = read_in(content)

    assert counts(transfer) == {"added": 2, "known": 0, "broken": 17}
    found = reasons(transfer)
    assert sorted(found) == [2, *range(4, 20)]
    for line, words in {
        2: "no JSON: column 2",
        4: "no JSON object",
        5: "empty",
        6: "none of generation",
        7: "none of train, valid, test",
        8: "language",
        9: "NUL",
        10: "surrogate",
        11: "number",
        12: "too large",
        13: "not UTF-8",
        14: "NUL",
        16: "longer than 200",
        18: "1 MB",
    }.items():
        assert words in found[line], (line, found[line])


def test_broken_rows_of_a_csv_carry_the_line_they_begin_in(read_in):
    content = b'prompt,note\n"two\nlines",x\nonly one\na,b,c\n"bad"x,y\nfine,z\n"never closed,z\n'

    transfer = read_in(content, "p.csv")

    assert counts(transfer) == {"added": 2, "known": 0, "broken": 4}
    assert sorted(reasons(transfer)) == [4, 5, 6, 8]
    assert "3 cells; there are 2 columns" in reasons(transfer)[5]
    assert "not closed" in reasons(transfer)[8]


@pytest.mark.parametrize(
    "content, name, words",
    [
        ("prompt\nhello\n".encode("utf-16"), "p.csv", "UTF-16"),
        ('{"prompt": "hello"}\n'.encode("utf-16-le"), "p.jsonl", "UTF-16"),
        (b"", "p.jsonl", "empty"),
        (b"\n\n", "p.jsonl", "no row"),
        (b"no json at all\n", "p.jsonl", "no row"),
        (b"a,a\n1,2\n", "p.csv", "same name"),
        (b"{}", "p.xlsx", "Choose a .jsonl, .csv, .parquet or .arrow file"),
        (b"{}", "../../etc/passwd", "Choose a .jsonl"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_and_leaves_nothing(upload, content, name, words):
    with pytest.raises(FileRefused, match=words):
        upload(content, name)

    assert Transfer.objects.count() == 0


def test_a_file_over_the_limit_is_refused_with_the_limit(upload, settings):
    settings.IMPORT_MAX_MB = 1

    with pytest.raises(FileRefused, match="1 MB"):
        upload(jsonl({"prompt": "x" * 600_000}, {"prompt": "y" * 600_000}))


def test_nothing_is_written_before_it_is_confirmed(upload, project):
    transfer = upload(jsonl({"prompt": "one"}, b"broken\n", {"prompt": "three"}))

    assert first_look(transfer) == {"rows": 3, "broken": 1, "is_whole": True}
    assert list(reasons(transfer)) == [2]
    assert [line for line, _fields in actions.preview_of(transfer)] == [1, 2, 3]
    assert (Prompt.objects.count(), Task.objects.count()) == (0, 0)
    assert not User.objects.filter(kind=User.Kind.IMPORT).exists()


def test_columns_with_other_names_are_guessed_and_can_be_chosen(upload, manager, project):
    transfer = upload(b"id,instruction,who,extra\n1,Say hi,Ann,x\n", "p.csv")
    assert transfer.options["mapping"] == {"prompt": "instruction", "external_id": "id"}

    mapping = {"prompt": "instruction", "author": "who"}
    actions.map_import(transfer=transfer, mapping=mapping, language="en", ask_for_demonstrations=False)
    actions.start_import(transfer=transfer, actor=manager)
    actions.run_import(transfer_id=transfer.pk)

    prompt = Prompt.objects.get(project=project)
    assert (prompt.author.name, prompt.external_id, prompt.metadata) == ("Ann", "", {"id": "1", "extra": "x"})
    assert Task.objects.count() == 0


@pytest.mark.parametrize(
    "mapping, field",
    [
        ({"author": "who"}, "prompt"),
        ({"prompt": "nowhere"}, "prompt"),
        ({"prompt": "who", "author": "who"}, "author"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(upload, mapping, field):
    transfer = upload(b"id,instruction,who\n1,Say hi,Ann\n", "p.csv")

    with pytest.raises(DomainError) as refused:
        actions.map_import(transfer=transfer, mapping=mapping, language="en", ask_for_demonstrations=True)

    assert field in refused.value.fields


def test_a_file_whose_prompt_nobody_named_is_not_started(upload, manager):
    transfer = upload(b"a,b\n1,2\n", "p.csv")

    with pytest.raises(DomainError, match="holds the prompt"):
        actions.start_import(transfer=transfer, actor=manager)


def test_the_same_file_again_adds_nothing(read_in):
    content = jsonl(*({"prompt": f"prompt {n}", "external_id": f"e{n}"} for n in range(1200)))

    first, second = read_in(content), read_in(content)

    assert counts(first) == {"added": 1200, "known": 0, "broken": 0}
    assert counts(second) == {"added": 0, "known": 1200, "broken": 0}
    assert Prompt.objects.count() == 1200


def test_a_text_twice_in_a_file_and_one_the_project_has_are_known(read_in, project):
    make_prompt(project, "I am here")

    transfer = read_in(jsonl({"prompt": "twice"}, {"prompt": " TWICE "}, {"prompt": "I am here"}))

    assert counts(transfer) == {"added": 1, "known": 2, "broken": 0}


def test_an_external_id_of_another_text_is_broken_not_overwritten(read_in, project):
    transfer = read_in(jsonl({"prompt": "one", "external_id": "x"}, {"prompt": "two", "external_id": "x"}))

    assert counts(transfer) == {"added": 1, "known": 0, "broken": 1}
    assert "external id “x”" in reasons(transfer)[2]
    assert Prompt.objects.get(project=project).messages[0]["content"] == "one"


def test_no_author_is_in_two_splits(read_in, project):
    rows = [{"prompt": f"prompt {n}", "author": f"Author {n % 40}"} for n in range(400)]

    read_in(jsonl(*rows))

    splits = {}
    for author, split in Prompt.objects.filter(project=project).values_list("author", "split"):
        splits.setdefault(author, set()).add(split)
    assert all(len(of_author) == 1 for of_author in splits.values())
    assert len(splits) == 40
    assert set.union(*splits.values()) == {"train", "valid", "test"}


def test_an_author_stays_in_the_split_they_are_in_and_a_second_one_is_refused(read_in, project):
    read_in(jsonl({"prompt": "one", "author": "Ann", "split": "test"}))

    transfer = read_in(
        jsonl({"prompt": "two", "author": " ann"}, {"prompt": "three", "author": "Ann", "split": "train"})
    )

    assert counts(transfer) == {"added": 1, "known": 0, "broken": 1}
    assert set(Prompt.objects.values_list("split", flat=True)) == {"test"}
    assert "split train" in reasons(transfer)[2]


def test_prompts_without_an_author_are_split_each_for_itself(read_in, project):
    read_in(jsonl(*({"prompt": f"prompt {n}"} for n in range(300))))

    shares = [Prompt.objects.filter(split=split).count() / 300 for split in ("train", "valid", "test")]
    assert 0.7 < shares[0] < 0.9 and min(shares) > 0.04
    assert split_of(project, "someone") == split_of(project, "someone")


def test_people_are_asked_to_answer_the_prompts_that_train(read_in, project):
    read_in(jsonl({"prompt": "a", "split": "train"}, {"prompt": "b", "split": "test"}))

    task = Task.objects.get(project=project)
    assert (task.kind, task.status, task.prompt.split) == ("demonstrate", "open", "train")


def test_projects_know_nothing_of_each_other(read_in, project):
    other = actions.create_project(name="Other", creator=None)

    read_in(jsonl({"prompt": "same", "external_id": "x"}))
    transfer = read_in(jsonl({"prompt": "same", "external_id": "x"}), to=other)

    assert counts(transfer) == {"added": 1, "known": 0, "broken": 0}


def test_the_page_has_the_first_thousand_broken_rows_and_the_download_all_of_them(read_in):
    transfer = read_in(jsonl({"prompt": "good"}, *[b"broken\n"] * 1500))

    assert counts(transfer)["broken"] == 1500
    assert len(transfer.problems) == 1000
    assert [problem["line"] for problem in actions.problems_of(transfer)] == list(range(2, 1502))


def test_so_many_broken_rows_are_kept_and_no_more(read_in, monkeypatch):
    monkeypatch.setattr("labeling.actions.import_problems.MOST_KEPT", 700)

    transfer = read_in(jsonl({"prompt": "good"}, *[b"broken\n"] * 1500))

    assert counts(transfer)["broken"] == 1500
    assert len(list(actions.problems_of(transfer))) == 700


def test_what_a_killed_worker_wrote_of_broken_rows_is_not_there_twice(upload, manager):
    transfer = actions.start_import(transfer=upload(jsonl({"prompt": "x"}, b"broken\n")), actor=manager)
    (transfer.directory / "problems.jsonl").write_text('{"line": 2, "reason": "left behind"}\n')

    actions.run_import(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert [problem["line"] for problem in actions.problems_of(transfer)] == [2]
    assert "no JSON" in next(actions.problems_of(transfer))["reason"]


def test_an_upload_can_be_dropped_and_takes_its_file_along(
    upload, manager, django_capture_on_commit_callbacks
):
    transfer = upload(jsonl({"prompt": "x"}))

    with django_capture_on_commit_callbacks(execute=True):
        actions.cancel_import(transfer=transfer, actor=manager)

    transfer.refresh_from_db()
    assert transfer.status == "cancelled"
    assert not transfer.directory.exists()
    with pytest.raises(Conflict):
        actions.start_import(transfer=transfer, actor=manager)


def test_an_import_is_confirmed_once(upload, manager):
    transfer = upload(jsonl({"prompt": "x"}))
    actions.start_import(transfer=transfer, actor=manager)

    with pytest.raises(Conflict):
        actions.start_import(transfer=transfer, actor=manager)


def test_a_file_that_vanished_fails_the_import_with_the_reason(upload, manager):
    transfer = actions.start_import(transfer=upload(jsonl({"prompt": "x"})), actor=manager)
    (transfer.directory / "source.jsonl").unlink()

    actions.run_import(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert (transfer.status, "Upload it again" in transfer.error) == ("failed", True)


def test_a_message_that_comes_twice_changes_nothing(read_in):
    transfer = read_in(jsonl({"prompt": "x"}, b"broken\n"))

    actions.run_import(transfer_id=transfer.pk)

    transfer.refresh_from_db()
    assert (transfer.attempt, counts(transfer)) == (1, {"added": 1, "known": 0, "broken": 1})


@pytest.mark.parametrize(
    "topics", ["hate, Self-Harm", ["self_harm", "hate"], '["hate", "self_harm"]', "hate self_harm hate"]
)
def test_topics_are_read_as_a_list_or_a_text_and_reach_the_task(read_in, project, topics):
    read_in(jsonl({"prompt": "Why?", "split": "train", "topics": topics}))

    assert Prompt.objects.get().topics == Task.objects.get().topics == ["self_harm", "hate"]
    assert Task.objects.get().language == "en"


@pytest.mark.parametrize(
    ("topics", "words"),
    [
        ("cats", "The topic “cats” is none of sexual, violence"),
        (7, "neither a text nor a list"),
        ([["hate"]], "neither a text nor a list"),
        ("[hate", "Its topics are no JSON."),
    ],
)
def test_topics_that_are_none_break_their_row(read_in, project, topics, words):
    transfer = read_in(jsonl({"prompt": "Why?", "topics": topics}, {"prompt": "How?", "topics": None}))

    assert counts(transfer) == {"added": 1, "known": 0, "broken": 1}
    assert words in reasons(transfer)[1]
