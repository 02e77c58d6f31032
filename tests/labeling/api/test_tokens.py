"""Tokens: what they open, when they stop, and that nothing keeps their keys."""

import hashlib
import json
import logging
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from config.logs import JsonFormatter
from labeling import actions
from labeling.actions.tokens import make_token, revoke_token
from labeling.errors import DomainError
from labeling.models import ApiToken
from tests.api import Api, api_for, assert_problem
from tests.making import make_ranking_task


@pytest.fixture
def token(annotator):
    return make_token(user=annotator, name="test", scopes=["read"], days=30)


def test_a_token_opens_what_its_owner_may_see(token, project):
    answer = Api(token[1]).get("projects/")

    assert [row["id"] for row in answer.data["items"]] == [str(project.public_id)]


def test_without_a_token_nothing_is_answered(project):
    answer = Api().get("projects/")

    assert_problem(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("key", ["prc_", "prc_guess", "prc_é", "x" * 5000, " "])
def test_a_guess_opens_nothing(key, db):
    api = Api()
    answer = api.client.get(
        "/api/v1/projects/", headers={"Authorization": f"Bearer {key}".encode().decode("latin-1")}
    )

    assert answer.status_code == 401


def test_an_expired_token_says_so(token, project):
    ApiToken.objects.update(expires_at="2020-01-01T00:00:00Z")

    assert_problem(Api(token[1]).get("projects/"), 401, "token_expired")


def test_a_revoked_token_says_so(token, project):
    revoke_token(token=token[0])

    assert_problem(Api(token[1]).get("projects/"), 401, "token_revoked")


def test_the_token_of_an_account_that_was_closed_opens_nothing(token, annotator):
    annotator.is_active = False
    annotator.save()

    assert_problem(Api(token[1]).get("projects/"), 401)


def test_a_session_is_no_token(client_for, annotator):
    assert client_for(annotator).get("/api/v1/projects/").status_code == 401


def test_each_scope_opens_its_own_part(annotator, engineer, project):
    make_ranking_task(project)
    claim = (f"projects/{project.public_id}/assignments/", {"kind": "rank"})
    snapshot = (f"projects/{project.public_id}/snapshots/", {"contents": ["prompts"]})

    assert_problem(api_for(annotator, "read", "train").post(*claim), 403, "missing_scope")
    assert_problem(api_for(engineer, "read", "label").post(*snapshot), 403, "missing_scope")
    assert_problem(api_for(engineer, "train", "label").get(snapshot[0]), 403, "missing_scope")
    assert api_for(annotator, "label").post(*claim).status_code == 200
    assert api_for(engineer, "train").post(*snapshot).status_code == 201


def test_the_database_holds_a_digest_and_no_key(token):
    row, key = token
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM labeling_apitoken AS t")
        kept = cursor.fetchone()[0]

    assert key not in kept
    assert key.removeprefix(row.prefix) not in kept
    assert json.loads(kept)["digest"] == hashlib.sha256(key.encode()).hexdigest()
    assert len(key) == len("prc_") + 43  # 32 random bytes


def test_no_log_holds_a_key(token, project, monkeypatch):
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    monkeypatch.setattr("labeling.access.projects_of", lambda user: 1 / 0)
    try:
        answer = Api(token[1]).get("projects/")
        Api(token[1] + "x").get("projects/")
    finally:
        logging.getLogger().removeHandler(handler)

    assert_problem(answer, 500, "internal_error")
    assert "ZeroDivisionError" in lines.getvalue()
    assert token[1] not in lines.getvalue()
    assert "ZeroDivisionError" not in str(answer.data)


def test_its_last_use_is_kept_to_the_minute(token):
    Api(token[1]).get("projects/")
    first = ApiToken.objects.get().last_used_at
    Api(token[1]).get("projects/")

    assert first is not None
    assert ApiToken.objects.get().last_used_at == first


@pytest.mark.parametrize(
    "wish", [{"name": " "}, {"scopes": []}, {"scopes": ["everything"]}, {"days": 0}, {"days": 10_000}]
)
def test_a_token_without_name_scope_or_end_is_not_made(wish, annotator):
    with pytest.raises(DomainError) as refused:
        make_token(**{"user": annotator, "name": "x", "scopes": ["read"], "days": 30} | wish)

    assert set(refused.value.fields) == set(wish)


def test_the_page_shows_the_key_once(client_for, annotator):
    client = client_for(annotator)

    made = client.post(reverse("tokens"), {"name": "nightly", "scopes": ["read", "label"], "days": "30"})
    row = ApiToken.objects.get()
    key = made.context["key"]

    assert key in made.content.decode()
    assert "no-store" in made.headers["Cache-Control"]
    assert Api(key).get("projects/").status_code == 200
    assert row.scopes == ["read", "label"]
    later = client.get(reverse("tokens")).content.decode()
    assert row.prefix in later
    assert key not in later


def test_the_page_revokes(client_for, annotator, token):
    client_for(annotator).post(reverse("revoke-token", args=[token[0].public_id]))

    assert_problem(Api(token[1]).get("projects/"), 401, "token_revoked")


def test_a_token_of_somebody_else_can_neither_be_seen_nor_revoked(client_for, second_annotator, token):
    client = client_for(second_annotator)

    assert token[0].prefix not in client.get(reverse("tokens")).content.decode()
    assert client.post(reverse("revoke-token", args=[token[0].public_id])).status_code == 404
    assert Api(token[1]).get("projects/").status_code == 200


def test_the_page_keeps_what_was_entered_when_it_refuses(client_for, annotator):
    answer = client_for(annotator).post(reverse("tokens"), {"name": "nightly", "days": "30"})

    assert answer.status_code == 400
    assert 'value="nightly"' in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_the_command_prints_a_key_that_works(annotator, project):
    out = StringIO()
    call_command("make_token", "ADA@example.org", "--name", "cron", "--scopes", "read", stdout=out)

    assert Api(out.getvalue().strip()).get("projects/").status_code == 200


def test_the_command_says_when_there_is_no_such_account(db):
    with pytest.raises(CommandError, match="no account"):
        call_command("make_token", "nobody@example.org", "--name", "cron")


def test_a_token_opens_no_more_than_its_owners_roles(outsider, project):
    actions.add_member(project=project, user=outsider, role="engineer")
    api = api_for(outsider)
    assert api.get(f"projects/{project.public_id}/runs/").status_code == 200

    outsider.memberships.all().delete()

    assert_problem(api.get(f"projects/{project.public_id}/runs/"), 404, "not_found")
