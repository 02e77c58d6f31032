"""The page of exports: full page, fragment, plain form posts; who may; what is served."""

import io
import json
import zipfile

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Project, Transfer
from tests.labeling.exporting import directory_of, export, lines, make_ranking, start
from tests.making import make_prompt

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(project, annotator, transactional_db):
    """An export of two splits."""
    make_ranking(annotator, project)
    make_ranking(annotator, project, split="valid")
    return export(project, "preference")


def page_of(project):
    return reverse("exports", args=[project.public_id])


def file_of(transfer, name):
    return reverse("download-export", args=[transfer.public_id, name])


def start_by_form(client, project, **fields):
    fields = {"content": "prompts", "format": "jsonl"} | fields
    return client.post(reverse("start-export", args=[project.public_id]), fields)


def test_an_empty_page_says_what_to_do(client_for, engineer, project):
    answer = client_for(engineer).get(page_of(project))

    assert b"No export yet" in answer.content
    assert b"hx-get" not in answer.content


def test_the_form_starts_an_export_with_its_filters(client_for, manager, project):
    project.time_zone = "Asia/Shanghai"
    project.save()
    make_prompt(project, language="zh", category="chat")

    answer = start_by_form(
        client_for(manager),
        project,
        splits=["train", "valid"],
        languages=["zh"],
        categories=["chat"],
        since="2026-01-01",
        until="2999-12-31",
    )

    assert (answer.status_code, answer.headers["Location"]) == (302, page_of(project))
    transfer = Transfer.objects.get()
    assert (transfer.direction, transfer.content, transfer.created_by) == ("export", "prompts", manager)
    assert transfer.options == {
        "splits": ["train", "valid"],
        "languages": ["zh"],
        "categories": ["chat"],
        "since": "2026-01-01T00:00:00+08:00",
        "until": "3000-01-01T00:00:00+08:00",
    }


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Nothing is there to export"),
        ({"content": "weights"}, "Select a valid choice"),
        ({"origins": ["person"]}, "Prompts are no judgments"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "before the beginning"),
        ({"since": "soon"}, "Enter a valid date"),
    ],
)
def test_a_refusal_stands_in_the_form_and_keeps_what_was_entered(fields, said, client_for, engineer, project):
    answer = start_by_form(client_for(engineer), project, **fields)

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Transfer.objects.exists()


def test_a_waiting_export_is_polled_and_can_be_cancelled(client_for, engineer, project):
    make_prompt(project)
    transfer = start(project, "prompts")
    client = client_for(engineer)

    fragment = client.get(page_of(project), headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" in fragment and "<html" not in fragment and "queued" in fragment
    answer = client.post(reverse("cancel-export", args=[transfer.public_id]))

    assert answer.headers["Location"] == page_of(project)
    transfer.refresh_from_db()
    assert transfer.status == "cancelled"
    assert "hx-get" not in client.get(page_of(project)).content.decode()
    again = client.post(reverse("cancel-export", args=[transfer.public_id]), follow=True)
    assert "nothing to cancel" in again.content.decode()


def test_a_running_export_shows_how_far_it_is(client_for, engineer, project):
    from labeling.actions.transfers import claim_transfer, renew_transfer

    make_prompt(project)
    transfer = claim_transfer(transfer_id=start(project, "prompts").pk, direction="export")
    renew_transfer(transfer_id=transfer.pk, attempt=1, progress_done=1200, progress_total=5000)

    shown = client_for(engineer).get(page_of(project)).content.decode()

    assert 'max="5000" value="1200"' in shown
    assert "1,200 / 5,000" in shown and "per second" in shown and "left" in shown


def test_an_error_is_told(client_for, engineer, project, annotator, transactional_db):
    make_ranking(annotator, project, (1, 1, 1, 1))
    export(project, "preference")

    assert "ties only" in client_for(engineer).get(page_of(project)).content.decode()


def test_each_file_arrives_under_a_name_of_its_own(client_for, engineer, written):
    client = client_for(engineer)
    stem = f"preference-{written.created_at:%Y%m%d-%H%M}"

    for name, saved_as, media_type in (
        ("train.jsonl", f"{stem}-train.jsonl", "application/x-ndjson"),
        ("valid.jsonl", f"{stem}-valid.jsonl", "application/x-ndjson"),
        ("manifest.json", f"{stem}-manifest.json", "application/octet-stream"),
        ("all.zip", f"{stem}.zip", "application/zip"),
    ):
        answer = client.get(file_of(written, name))
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{saved_as}"'
        assert answer.headers["Content-Type"] == media_type
        assert answer.streaming
        assert answer.getvalue() == (directory_of(written) / name).read_bytes()


def test_the_archive_unpacks_into_a_folder_with_everything(client_for, engineer, written):
    answer = client_for(engineer).get(file_of(written, "all.zip"))

    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        folder = f"preference-{written.created_at:%Y%m%d-%H%M}"
        names = [f"{folder}/{name}" for name in ("train.jsonl", "valid.jsonl", "manifest.json")]
        assert archive.namelist() == names
        assert json.loads(archive.read(names[2]))["rows"] == {"train": 6, "valid": 6}


@pytest.mark.parametrize(
    "name", ["test.jsonl", "..", "%2e%2e%2fmanifest.json", "attempt-1", ".", "train.parquet"]
)
def test_no_other_name_is_served(name, client_for, engineer, written):
    directory_of(written).joinpath("test.jsonl").write_text("not listed")

    assert client_for(engineer).get(file_of(written, name)).status_code == 404


def test_a_half_written_export_serves_nothing(client_for, engineer, project):
    make_prompt(project)
    transfer = start(project, "prompts")

    assert client_for(engineer).get(file_of(transfer, "train.jsonl")).status_code == 404


def test_deleted_files_are_gone_and_the_row_stays(client_for, engineer, written):
    client = client_for(engineer)

    client.post(reverse("delete-export", args=[written.public_id]))

    assert client.get(file_of(written, "train.jsonl")).status_code == 404
    shown = client.get(page_of(written.project)).content.decode()
    assert "deleted" in shown and "Delete files" not in shown


PAGES = {
    "exports": "GET",
    "start-export": "POST",
    "cancel-export": "POST",
    "download-export": "GET",
    "delete-export": "POST",
}


@pytest.fixture
def addresses(written):
    subject = {"exports": written.project.public_id, "start-export": written.project.public_id}
    extra = {"download-export": ["train.jsonl"]}
    return {
        name: reverse(name, args=[subject.get(name, written.public_id), *extra.get(name, [])])
        for name in PAGES
    }


@pytest.mark.parametrize(
    ("who", "may"),
    [("manager", True), ("engineer", True), ("annotator", False), ("outsider", False), ("stranger", False)],
)
def test_exports_are_for_managers_and_engineers_of_the_project(
    who, may, addresses, client_for, request, person
):
    if who == "stranger":
        user = person("Eva", "engineer", project=Project.objects.create(name="Other"))
    else:
        user = request.getfixturevalue(who)
    client = client_for(user)

    for name, verb in PAGES.items():
        answer = client.get(addresses[name]) if verb == "GET" else client.post(addresses[name])
        assert (answer.status_code != 404) is may, (who, name)
        if may and verb == "POST":
            assert client.get(addresses[name]).status_code == 405
    assert directory_exists() is not may


def directory_exists():
    return bool(Transfer.objects.get().path)


def test_whoever_is_not_signed_in_is_asked_to(addresses, client):
    for name, verb in PAGES.items():
        answer = client.get(addresses[name]) if verb == "GET" else client.post(addresses[name])
        assert answer.headers["Location"].startswith(reverse("account_login")), name


def test_the_tab_is_there_for_those_who_may(client_for, engineer, annotator, project):
    address = reverse("project", args=[project.public_id])

    assert page_of(project) in client_for(engineer).get(address).content.decode()
    assert page_of(project) not in client_for(annotator).get(address).content.decode()


def test_many_exports_cost_no_more_queries_than_few(
    client_for, engineer, project, django_assert_max_num_queries, written
):
    client = client_for(engineer)
    client.get(page_of(project))
    for _ in range(12):
        actions.cancel_export(transfer=start(project, "prompts", user=engineer), actor=None)

    with django_assert_max_num_queries(14):
        assert client.get(page_of(project)).content.count(b'id="export-') == 13


def test_the_rows_served_are_the_rows_written(client_for, manager, written):
    content = client_for(manager).get(file_of(written, "train.jsonl")).getvalue()

    assert [json.loads(line) for line in content.splitlines()] == lines(directory_of(written) / "train.jsonl")
