"""Who may ask what of the API: role × route × method, generated from the URLs so that a new route fails until
it is listed."""

import pytest
from django.urls import URLPattern, reverse

from labeling import actions as labeling_actions
from labeling.api import urls as labeling_urls
from labeling.models import Assignment, Project, Submission
from tests.api import PROBLEM, Api, api_for, assert_problem
from tests.making import make_prompt, make_ranking_task
from tests.training.making import make_promoted, make_sample_run, make_snapshot, make_version
from training.api import urls as training_urls
from training.models import ModelVersion, Promotion, Run, Snapshot

ANYBODY = {"annotator", "reviewer", "engineer", "manager"}  # in the project
LABELERS = {"annotator", "reviewer", "manager"}
ENGINEERS = {"engineer", "manager"}
OWNER = {"annotator"}  # of the assignment
ROLES = (
    "annotator",
    "reviewer",
    "engineer",
    "manager",
    "second_annotator",
    "outsider",
    "stranger",
    "suspended",
)

# (route, method) → whose address it is, who may, and what is sent.
ROUTES = {
    ("api-projects", "GET"): (None, {*ROLES}, None),
    ("api-project", "GET"): ("project", ANYBODY | {"second_annotator"}, None),
    ("api-assignments", "POST"): ("project", LABELERS | {"second_annotator"}, {"kind": "rank"}),
    ("api-judgments", "GET"): ("project", ENGINEERS, None),
    ("api-assignment", "GET"): ("assignment", OWNER, None),
    ("api-renew", "POST"): ("assignment", OWNER, None),
    ("api-draft", "PUT"): ("assignment", OWNER, {"version": 0}),
    ("api-submit", "POST"): ("assignment", OWNER, {"places": [1, 2, 3, 4]}),
    ("api-skip", "POST"): ("assignment", OWNER, None),
    ("api-snapshots", "GET"): ("project", ENGINEERS, None),
    ("api-snapshots", "POST"): ("project", ENGINEERS, {"contents": ["prompts"]}),
    ("api-corpora", "GET"): ("project", ENGINEERS, None),
    ("api-snapshot", "GET"): ("snapshot", ENGINEERS, None),
    ("api-runs", "GET"): ("project", ENGINEERS, None),
    ("api-runs", "POST"): ("project", ENGINEERS, {"kind": "sample"}),
    ("api-run", "GET"): ("run", ENGINEERS, None),
    ("api-cancel-run", "POST"): ("run", ENGINEERS, None),
    ("api-run-metrics", "GET"): ("run", ENGINEERS, None),
    ("api-run-log", "GET"): ("run", ENGINEERS, None),
    ("api-models", "GET"): ("project", ENGINEERS, None),
    ("api-model", "GET"): ("version", ENGINEERS, None),
    ("api-promote-model", "POST"): ("version", ENGINEERS, {"note": "better"}),
    ("api-roll-back", "POST"): ("former", ENGINEERS, {"note": "worse"}),
}
PATTERNS = {p.name: p for p in (*labeling_urls.urlpatterns, *training_urls.urlpatterns)}


def methods_of(pattern: URLPattern) -> set[str]:
    return set(pattern.callback.view_class().allowed_methods) - {"HEAD"}


@pytest.fixture
def subjects(project, annotator, tmp_path):
    """One of everything in the project."""
    make_prompt(project)
    make_ranking_task(project)
    assignment = labeling_actions.claim_task(user=annotator, project=project, kind="rank")
    make_ranking_task(project)
    former, current, version = (make_version(project, tmp_path / name) for name in ("a", "b", "c"))
    Promotion.objects.create(project=project, to_version=former)
    Promotion.objects.create(project=project, from_version=former, to_version=current)
    make_promoted(current)
    return {
        "project": project,
        "assignment": assignment,
        "snapshot": make_snapshot(project, contents=["prompts"]),
        "run": make_sample_run(current),
        "version": version,
        "former": former,
    }


@pytest.fixture
def stranger(person):
    """Eva has every role in another project."""
    other = Project.objects.create(name="Other")
    return person("Eva", "annotator", "reviewer", "engineer", "manager", project=other)


@pytest.fixture
def reviewer(person, project):
    return person("Rio", "reviewer", project=project)


@pytest.fixture
def suspended(person, project, manager):
    """Sue has every role in the project, and is kept out of it."""
    sue = person("Sue", "annotator", "reviewer", "engineer", "manager", project=project)
    labeling_actions.suspend_member(
        project=project, user=sue, actor=manager, reason="Spam.", sets_aside=False
    )
    return sue


def ask(api, name, method, subjects):
    subject, _who, body = ROUTES[name, method]
    address = reverse(name, args=[subjects[subject].public_id] if subject else [])
    return api.ask(method, address, body)


def state():
    return [
        list(rows)
        for rows in (
            Run.objects.values_list("status", "cancel_requested_at"),
            ModelVersion.objects.order_by("pk").values_list("is_promoted"),
            Assignment.objects.order_by("pk").values_list("status", "lease_until", "draft_version"),
            Submission.objects.values_list("pk"),
            Snapshot.objects.values_list("pk"),
        )
    ]


def test_every_route_and_method_is_in_the_table():
    assert {(name, method) for name, p in PATTERNS.items() for method in methods_of(p)} == set(ROUTES)


@pytest.mark.parametrize("name, method", ROUTES)
def test_whoever_may_is_answered(name, method, subjects, request):
    for role in sorted(ROUTES[name, method][1]):
        answer = ask(api_for(request.getfixturevalue(role)), name, method, subjects)

        # A 409 too is an answer: of the next one in turn, when the thing is done already.
        assert answer.status_code in {200, 201, 204, 409}, (role, answer.content)


@pytest.mark.parametrize("name, method", ROUTES)
def test_for_all_others_there_is_nothing(name, method, subjects, request):
    people = [request.getfixturevalue(role) for role in ROLES if role not in ROUTES[name, method][1]]
    before = state()

    for user in people:
        assert_problem(ask(api_for(user), name, method, subjects), 404, "not_found")
    assert state() == before


@pytest.mark.parametrize("name, method", ROUTES)
def test_without_a_token_or_its_scope_nothing_is_done(name, method, subjects, request):
    who = request.getfixturevalue(sorted(ROUTES[name, method][1])[0])
    view = PATTERNS[name].callback.view_class
    others = {"read", "label", "train"} - {view.scope_of(method)}
    before = state()

    assert_problem(ask(Api(), name, method, subjects), 401, "not_authenticated")
    assert_problem(ask(api_for(who, *others), name, method, subjects), 403, "missing_scope")
    assert state() == before


@pytest.mark.parametrize("name", PATTERNS)
def test_a_method_that_is_not_there_is_a_problem_too(name, subjects, manager):
    subject = next(subject for (route, _), (subject, *_) in ROUTES.items() if route == name)
    address = reverse(name, args=[subjects[subject].public_id] if subject else [])
    there = methods_of(PATTERNS[name])

    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - there:
        answer = api_for(manager).ask(method, address)
        assert_problem(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) - {"HEAD"} == there


@pytest.mark.parametrize("name, method", [route for route in ROUTES if route[1] == "POST"])
def test_every_post_is_answered_once_under_a_key(name, method, subjects, request):
    who = request.getfixturevalue("annotator" if "annotator" in ROUTES[name, method][1] else "engineer")
    api = api_for(who)
    subject, _who, body = ROUTES[name, method]
    address = reverse(name, args=[subjects[subject].public_id])

    first = api.post(address, body, Idempotency_Key="k")
    after_one = state()
    again = api.post(address, body, Idempotency_Key="k")

    assert first.status_code in {200, 201, 204}, first.content
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert state() == after_one


@pytest.mark.parametrize(
    "path", ["", "nothing/", "projects", "projects/x/", "runs/00000000-0000-4000-8000-000000000000/x", "%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_address_that_is_none_is_a_problem_too(path, method, engineer):
    answer = api_for(engineer).ask(method, f"/api/v1/{path}")

    assert_problem(answer, 404, "not_found")
    assert set(answer.data) == PROBLEM


def test_a_shared_base_may_be_read_by_whoever_trains_and_changed_by_nobody(
    engineer, annotator, tmp_path, subjects
):
    base = make_version(None, tmp_path / "base", kind="base")

    assert api_for(engineer).get(f"models/{base.public_id}/").data["is_shared"] is True
    assert_problem(api_for(annotator).get(f"models/{base.public_id}/"), 404)
    assert_problem(api_for(engineer).post(f"models/{base.public_id}/promote/"), 404)
