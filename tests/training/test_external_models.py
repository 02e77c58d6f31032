"""Models from outside: a version for each name, and nobody who judges learns which."""

import json

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from labeling import actions as labeling_actions
from labeling.errors import DomainError
from labeling.imports.outputs import OutputColumn
from labeling.models import Completion, Task
from tests.api import api_for
from tests.labeling.importing import jsonl, reader, uploader
from tests.training.making import make_promoted, make_version
from training import actions, queries
from training.models import ModelVersion, Sample

LAKE = "A lake is a large body of still water."
RIVER = "Water that runs from a spring to the sea, a river in short."
NAMES = ("Zephyr-7b-x", "our secret model")


@pytest.fixture
def read_in(project, manager):
    return reader(uploader(project, manager), manager)


def row(prompt="Which?", lake=NAMES[0], river=NAMES[1]):
    described = {"text": LAKE, "model": lake, "id": f"{lake}/1", "temperature": 0.7}
    return {"prompt": prompt, "completions": [described, {"text": RIVER, "model": river}]}


def versions():
    return list(ModelVersion.objects.filter(kind="external").order_by("number"))


def test_each_name_is_a_version_of_the_project_and_each_output_its_sample(read_in, project):
    read_in(jsonl(row("a"), row("b"), {"prompt": "c", "completions": ["Nobody knows whose."]}))

    first, second = versions()
    assert [(v.name, v.number, v.project, v.path) for v in (first, second)] == [
        (NAMES[0], 1, project, ""),
        (NAMES[1], 2, project, ""),
    ]
    samples = Sample.objects.filter(model_version=first).select_related("completion")
    assert {sample.completion.text for sample in samples} == {LAKE}
    assert {(s.temperature, s.run_id, s.seed) for s in samples} == {(0.7, None, None)}
    assert Completion.objects.get(sample=None).text == "Nobody knows whose."


def test_the_same_file_again_makes_no_version_and_no_sample(read_in):
    for _time in range(2):
        read_in(jsonl(row("a"), row("b")))

    assert (len(versions()), Sample.objects.count()) == (2, 4)


def test_a_name_is_a_version_in_each_project(read_in, project):
    other = labeling_actions.create_project(name="Other", creator=None)

    read_in(jsonl(row()))
    read_in(jsonl(row()), to=other)

    assert [version.project for version in versions()].count(other) == 2


@pytest.mark.parametrize("wrong", [{"path": "models/x"}, {"name": ""}, {"project": None}, {"source": "llm"}])
def test_the_database_refuses_an_external_model_with_a_directory_or_without_a_name(project, wrong):
    fields = {"project": project, "kind": "external", "number": 1, "name": "m", "path": ""}

    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.create(**fields | wrong)


def test_no_run_reads_it_and_nobody_promotes_it(read_in, project, tmp_path):
    read_in(jsonl(row()))
    external = versions()[0]
    policy = make_promoted(make_version(project, tmp_path / "policy"))

    assert list(queries.versions_for(project, "policy")) == [policy]
    for role, kind in (("policy", "sample"), ("reward_model", "score")):
        with pytest.raises(DomainError):
            actions.start_run(project=project, kind=kind, inputs={role: external}, actor=None)
    with pytest.raises(DomainError, match="cannot be promoted"):
        actions.promote_model(project=project, version=external, user=None)


def test_engineers_see_it_among_the_models_and_can_still_choose_a_base(
    read_in, project, engineer, client_for, tmp_path
):
    make_version(None, tmp_path / "base", kind="base")
    read_in(jsonl(row()))
    client = client_for(engineer)

    listed = client.get(reverse("models", args=[project.public_id])).content.decode()
    page = client.get(reverse("model", args=[versions()[0].public_id])).content.decode()

    assert NAMES[0] in listed and NAMES[1] in listed and "Start from" in listed
    assert "Outputs that came in" in page and "Try it" not in page and "Directory" not in page


def told(client: Client, *addresses: str) -> str:
    """Everything that the pages say, with headers and where they lead."""
    said = []
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        said.append(answer.content.decode() + str(answer.headers))
    return "".join(said)


def test_nobody_who_ranks_finds_a_models_name_on_a_page_or_in_an_address(
    read_in, project, annotator, client_for
):
    read_in(jsonl(row()), outputs=[OutputColumn("completions")], opens_rankings=True)
    labeling_actions.publish_guidelines(project=project, language="en", body="Be kind.", author=None)
    assignment = labeling_actions.claim_task(user=annotator, project=project, kind="rank")
    client = client_for(annotator)
    work = reverse("assignment", args=[assignment.public_id])
    said = told(client, work, reverse("compare-outputs", args=[assignment.public_id]) + "?a=1&b=2")
    labeling_actions.submit_ranking(assignment=assignment, places=[(1, 1), (2, 2)], idempotency_key="k")

    said += told(client, work, reverse("history"), "/", reverse("project", args=[project.public_id]))

    assert LAKE[:20] in said
    assert [word for word in (*NAMES, "Zephyr", "secret") if word in said] == []


def test_nobody_who_ranks_finds_a_models_name_in_the_api(read_in, project, annotator):
    read_in(jsonl(row()), outputs=[OutputColumn("completions")], opens_rankings=True)
    api = api_for(annotator)

    claimed = api.post(f"projects/{project.public_id}/assignments/", {"kind": "rank"})

    said = json.dumps(claimed.data, default=str)
    assert LAKE in said
    assert [word for word in (*NAMES, "Zephyr", "secret", "external_id", "metadata") if word in said] == []


def test_where_an_output_is_shown_does_not_tell_which_it_is(read_in, project, person):
    read_in(
        jsonl(*(row(f"p{n}") for n in range(40))),
        outputs=[OutputColumn("completions")],
        opens_rankings=True,
        ask_for_demonstrations=False,
    )
    reader_of_all = person("Ria", "annotator", project=project)
    orders = set()
    for _task in range(Task.objects.filter(kind="rank").count()):
        assignment = labeling_actions.claim_task(user=reader_of_all, project=project, kind="rank")
        orders.add(tuple(assignment.display_order))
        labeling_actions.submit_ranking(assignment=assignment, places=[(1, 1), (2, 2)], idempotency_key="k")

    assert orders == {(1, 2), (2, 1)}
