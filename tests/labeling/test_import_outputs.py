"""Outputs that come in with prompts: where they stand in a row, that they come once, and who ranks them."""

import json
import threading

import pytest
from django.db import connection

from labeling import actions
from labeling.errors import DomainError
from labeling.imports.outputs import OutputColumn
from labeling.models import Completion, Prompt, Task, TaskCompletion
from labeling.selections import Selection
from tests.labeling.importing import counts, jsonl, mapped, parquet, ran, reader, reasons, uploader
from tests.making import make_demonstration_task, make_prompt

LAKE = "A lake is a large body of still water."
RIVER = "Water that runs from a spring to the sea, a river in short."
POND = "Smaller than the others, and full of frogs."


@pytest.fixture
def upload(project, manager):
    return uploader(project, manager)


@pytest.fixture
def read_in(upload, manager):
    return reader(upload, manager)


@pytest.fixture
def work_begun(project):
    """There are tasks: what comes in with outputs is to be ranked, unless somebody says otherwise."""
    make_demonstration_task(project)


def texts(prompt=None):
    found = Completion.objects.filter(origin="import").order_by("pk")
    return [completion.text for completion in (found.filter(prompt=prompt) if prompt else found)]


def turns(*contents):
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": content} for n, content in enumerate(contents)]


SHAPES = {
    "a list of objects": {
        "prompt": "Which?",
        "completions": [{"text": LAKE, "model": "m1"}, {"text": RIVER}],
    },
    "a list of objects by other names": {
        "instruction": "Which?",
        "completions": [{"response": LAKE, "generator": "m1"}, {"output": RIVER}],
    },
    "a list of texts beside a list of models": {
        "prompt": "Which?",
        "responses": [LAKE, RIVER],
        "models": ["m1", ""],
    },
    "a pair": {"prompt": "Which?", "response_a": LAKE, "model_a": "m1", "response_b": RIVER, "model_b": None},
    "one output, the other missing": {"prompt": "Which?", "output": LAKE, "model": "m1"},
    "chosen and rejected": {"prompt": "Which?", "chosen": LAKE, "rejected": RIVER},
    "conversations with the prompt in them": {
        "chosen": turns("Which?", LAKE),
        "rejected": turns("Which?", RIVER),
    },
    "conversations beside the prompt": {
        "prompt": "Which?",
        "chosen": turns("Which?", LAKE),
        "rejected": turns("Which?", RIVER),
        "messages": turns("Which?", LAKE),
    },
    "a battle": {
        "conversation_a": turns("Which?", LAKE),
        "conversation_b": turns("Which?", RIVER),
        "model_a": "m1",
        "model_b": "m2",
        "winner": "model_a",
    },
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("write, name", [(jsonl, "p.jsonl"), (lambda row: parquet([row]), "p.parquet")])
def test_every_usual_shape_is_found_without_a_word(read_in, project, shape, write, name):
    transfer = read_in(write(SHAPES[shape]), name)

    assert counts(transfer) == {"added": 1, "known": 0, "broken": 0}, transfer.problems
    assert Prompt.objects.get(project=project).messages == turns("Which?")
    assert texts() == ([LAKE] if "missing" in shape else [LAKE, RIVER])
    assert transfer.counts["outputs"] == len(texts())


def test_a_csv_has_lists_as_json(read_in):
    outputs = json.dumps([{"text": LAKE, "model": "m1"}, {"text": RIVER}]).replace('"', '""')

    transfer = read_in(f'prompt,completions\nWhich?,"{outputs}"\n'.encode(), "p.csv")

    assert (texts(), transfer.counts["writers"]) == ([LAKE, RIVER], [["m1", 1]])


def test_ids_and_all_other_fields_stay_with_the_output_and_the_model_does_not(read_in):
    output = {"text": LAKE, "model": "m1", "id": "o-7", "temperature": 0.7, "metadata": {"seed": 3}}

    read_in(jsonl({"prompt": "Which?", "completions": [output], "team": "blue"}))

    completion = Completion.objects.get()
    assert (completion.origin, completion.external_id) == ("import", "o-7")
    assert completion.metadata == {"temperature": 0.7, "seed": 3}
    assert Prompt.objects.get().metadata == {"team": "blue"}


def test_columns_and_names_are_chosen(upload, manager):
    transfer = mapped(
        upload(jsonl({"prompt": "Which?", "x": LAKE, "y": RIVER, "by": "m2", "output": "not this"})),
        outputs=[OutputColumn("x", model="Our own  model"), OutputColumn("y", model_column="by")],
    )
    assert transfer.counts["writers"] == [["Our own model", 1], ["m2", 1]]

    ran(transfer, manager)

    assert texts() == [LAKE, RIVER]
    assert Prompt.objects.get().metadata == {"output": "not this"}


def test_the_answer_that_a_conversation_ends_with_is_left_out_or_an_output(upload, manager):
    content = jsonl({"conversations": [{"from": "human", "value": "Which?"}, {"from": "gpt", "value": LAKE}]})
    assert "ends with an answer" in reasons(upload(content))[1]

    ran(mapped(upload(content), drops_answers=True), manager)
    assert (Prompt.objects.get().messages, texts()) == (turns("Which?"), [])

    ran(mapped(upload(content), outputs=[OutputColumn("conversations")]), manager)
    assert (Prompt.objects.count(), texts()) == (1, [LAKE])


@pytest.mark.parametrize(
    "outputs, words",
    [
        ([OutputColumn("nowhere")], "no column “nowhere”"),
        ([OutputColumn("output", model_column="nowhere")], "no column “nowhere”"),
        ([OutputColumn("output"), OutputColumn("output")], "once"),
    ],
)
def test_columns_that_make_no_sense_are_refused(upload, outputs, words):
    transfer = upload(jsonl({"prompt": "Which?", "output": LAKE}))

    with pytest.raises(DomainError) as refused:
        mapped(transfer, outputs=outputs)

    assert words in refused.value.fields["outputs"]


@pytest.mark.parametrize(
    "row, words",
    [
        ({"completions": [7]}, "neither a text nor an object"),
        ({"completions": [{"text": {"a": 1}}]}, "neither a text nor an object"),
        ({"completions": [{"text": LAKE, "model": ["m"]}]}, "no text"),
        ({"completions": [{"text": LAKE, "model": "m" * 121}]}, "longer than 120"),
        ({"completions": [{"text": LAKE, "id": "i" * 201}]}, "longer than 200"),
        ({"completions": [LAKE] * 65}, "more than 64 outputs"),
        ({"chosen": turns("Which?", LAKE, "And?")}, "ends with a turn of the assistant"),
    ],
)
def test_a_row_with_an_output_that_is_none_is_broken_as_a_whole(read_in, row, words):
    transfer = read_in(
        jsonl({"prompt": "Which?"} | row, {"prompt": "Good", "completions": None, "chosen": ""})
    )

    assert counts(transfer) == {"added": 1, "known": 0, "broken": 1}
    assert words in reasons(transfer)[1]
    assert texts() == []


def test_more_models_than_anybody_has_are_the_wrong_column(read_in, monkeypatch):
    monkeypatch.setattr("labeling.actions.import_reading.MOST_WRITERS", 2)

    transfer = read_in(jsonl(*({"prompt": f"p{n}", "output": LAKE, "model": f"m{n % 3}"} for n in range(6))))

    assert counts(transfer) == {"added": 4, "known": 0, "broken": 2}
    assert "right column" in reasons(transfer)[3]


def test_the_preview_says_how_many_prompts_have_how_many_outputs_and_from_which_models(upload):
    transfer = upload(
        jsonl(
            {"prompt": "a", "output": LAKE, "model": "m1"},
            {"prompt": "b", "output": LAKE, "model": "m1"},
            {"prompt": " A ", "output": RIVER, "model": "m2"},
            {"prompt": "c"},
        )
    )

    assert transfer.counts["prompts_by_outputs"] == [[0, 1], [1, 1], [2, 1]]
    assert transfer.counts["writers"] == [["m1", 2], ["m2", 1]]
    assert Completion.objects.count() == 0
    [(_line, fields), *_rest] = actions.preview_of(transfer)
    assert [(output.text, output.writer) for output in fields.outputs] == [(LAKE, "m1")]


def test_the_same_output_of_the_same_model_comes_in_once(read_in):
    content = jsonl({"prompt": "a", "completions": [{"text": LAKE, "model": m} for m in ("m1", "m1", "m2")]})

    first, second = read_in(content), read_in(content)

    assert (first.counts["outputs"], first.counts["known_outputs"]) == (2, 1)
    assert (second.counts["outputs"], second.counts["known_outputs"]) == (0, 3)
    assert texts() == [LAKE, LAKE]


def test_outputs_join_prompts_that_the_project_has(read_in, project):
    prompt = make_prompt(project, "Which?")

    transfer = read_in(jsonl({"prompt": "which?", "output": LAKE}))

    assert counts(transfer) == {"added": 0, "known": 1, "broken": 0}
    assert texts(prompt) == [LAKE]


def test_a_row_that_is_refused_late_brings_no_outputs(read_in):
    rows = [
        {"prompt": "a", "external_id": "x", "output": LAKE},
        {"prompt": "b", "external_id": "x", "output": RIVER},
    ]

    transfer = read_in(jsonl(*rows))

    assert counts(transfer) == {"added": 1, "known": 0, "broken": 1}
    assert texts() == [LAKE]


def test_names_of_the_models_that_came_in_are_flagged_in_every_output(read_in, project):
    read_in(
        jsonl(
            {
                "prompt": "Who are you?",
                "completions": [
                    {"text": "I am Zephyr-7b, at your service.", "model": "Zephyr-7b"},
                    {"text": "Ask zephyr-7b about it.", "model": "other"},
                    {"text": LAKE, "model": "other"},
                ],
            }
        )
    )

    project.refresh_from_db()
    assert "Zephyr-7b" in project.model_names
    found = Completion.objects.order_by("pk").values_list("names_model", flat=True)
    assert list(found) == ["Zephyr-7b", "zephyr-7b", ""]


# --- asking for rankings


def slates():
    return [
        [slot.completion.text for slot in task.slots.select_related("completion")]
        for task in Task.objects.filter(kind="rank").order_by("pk")
    ]


def test_each_prompt_with_two_outputs_that_differ_is_to_be_ranked(read_in):
    transfer = read_in(
        jsonl(
            {"prompt": "a", "completions": [LAKE, RIVER, f"*{LAKE[0]}*{LAKE[1:]}"]},
            {"prompt": "b", "completions": [LAKE, LAKE.upper()]},
            {"prompt": "c", "completions": [POND]},
        ),
        opens_rankings=True,
        outputs=[OutputColumn("completions")],
    )

    assert transfer.counts["tasks"] == 1
    assert slates() == [[LAKE, RIVER]]


@pytest.mark.usefixtures("work_begun")
def test_outputs_in_rows_far_apart_are_ranked_together(read_in, monkeypatch):
    monkeypatch.setattr("labeling.actions.importing.BATCH", 2)
    monkeypatch.setattr("labeling.actions.import_rankings.PROMPTS_AT_ONCE", 2)
    rows = [{"prompt": f"p{n}", "output": text} for text in (LAKE, RIVER) for n in range(5)]

    transfer = read_in(jsonl(*rows))

    assert transfer.counts["tasks"] == 5
    assert slates() == [[LAKE, RIVER]] * 5


def test_nobody_is_asked_unless_wished(read_in):
    read_in(
        jsonl({"prompt": "a", "completions": [LAKE, RIVER]}),
        opens_rankings=False,
        outputs=[OutputColumn("completions")],
    )

    assert Task.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_an_import_and_an_opening_at_once_ask_for_nothing_twice(
    project, manager, upload, read_in, monkeypatch
):
    monkeypatch.setattr("labeling.actions.import_rankings.PROMPTS_AT_ONCE", 20)
    content = jsonl(*({"prompt": f"p{n}", "completions": [LAKE, RIVER]} for n in range(100)))
    read_in(content, opens_rankings=False, outputs=[OutputColumn("completions")])
    again = mapped(upload(content), opens_rankings=True, outputs=[OutputColumn("completions")])
    actions.start_import(transfer=again, actor=manager)
    opening = actions.start_opening(project=project, actor=manager, selection=Selection(kind="rank"))

    def work(run, transfer):
        run(transfer_id=transfer.pk)
        connection.close()

    both = ((actions.run_import, again), (actions.run_opening, opening))
    threads = [threading.Thread(target=work, args=each) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert [sorted(slate) for slate in slates()] == [sorted([LAKE, RIVER])] * 100


def test_before_a_projects_first_tasks_an_import_with_outputs_asks_nobody_by_itself(upload, project):
    pair = jsonl({"prompt": "a", "output": LAKE})

    first = upload(pair).options
    make_demonstration_task(project)
    later = upload(pair).options

    assert (first["opens_rankings"], first["ask_for_demonstrations"]) == (False, False)
    assert (later["opens_rankings"], later["ask_for_demonstrations"]) == (True, False)
    assert upload(jsonl({"prompt": "a"})).options["ask_for_demonstrations"]


@pytest.mark.usefixtures("work_begun")
def test_a_later_output_is_ranked_with_those_that_were_there_and_nothing_twice(read_in):
    first, more = jsonl({"prompt": "a", "completions": [LAKE, RIVER]}), jsonl({"prompt": "a", "output": POND})

    for content in (first, first, more, more, first):
        read_in(content)

    assert slates() == [[LAKE, RIVER], [POND, LAKE, RIVER]]


@pytest.mark.usefixtures("work_begun")
def test_more_than_nine_outputs_are_dealt_out_evenly(read_in):
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]

    read_in(jsonl({"prompt": "a", "completions": [f"{word} things that I like" for word in words]}))

    assert sorted(map(len, slates())) == [5, 6]
    assert TaskCompletion.objects.values("completion").distinct().count() == 11


@pytest.mark.usefixtures("work_begun")
def test_an_import_that_was_cut_short_is_made_up_for_by_the_next(upload, read_in, manager, monkeypatch):
    content = jsonl(*({"prompt": f"p{n}", "completions": [LAKE, RIVER]} for n in range(4)))
    transfer = actions.start_import(transfer=upload(content), actor=manager)
    with monkeypatch.context() as cut:
        cut.setattr("labeling.actions.importing.open_rankings", lambda transfer: None)
        actions.run_import(transfer_id=transfer.pk)
    assert (len(texts()), slates()) == (8, [])

    read_in(content)

    assert slates() == [[LAKE, RIVER]] * 4
