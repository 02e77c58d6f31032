"""The API does what its schema says: schemathesis asks it thousands of things, sensible and not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from labeling import actions as labeling_actions
from labeling.models import Membership
from tests.api import api_for
from tests.making import make_demonstration_task, make_prompt, make_ranking_task
from tests.training.api.test_access import ROUTES
from tests.training.making import make_claimed_run, make_promoted, make_snapshot, make_version
from training.models import Metric, Promotion

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)


@pytest.fixture
def ids(project, engineer, tmp_path):
    """Path parameter → something that is there, so that requests reach past the door."""
    Membership.objects.create(project=project, user=engineer, role="annotator")
    make_prompt(project)
    for _ in range(20):
        make_ranking_task(project)
        make_demonstration_task(project)
    assignment = labeling_actions.claim_task(user=engineer, project=project, kind="rank")
    model, former = (make_version(project, tmp_path / name) for name in ("new", "former"))
    Promotion.objects.create(project=project, from_version=former, to_version=make_promoted(model))
    run = make_claimed_run(model)
    Metric.objects.create(run=run, attempt=1, step=1, name="kl", value=0.5)
    return {
        "project_id": project.public_id,
        "assignment_id": assignment.public_id,
        "snapshot_id": make_snapshot(project, contents=["prompts"]).public_id,
        "run_id": run.public_id,
        "version_id": former.public_id,
    }


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_schemathesis_finds_no_fault_of_the_server_and_no_undocumented_status(
    live_server, settings, engineer, ids, tmp_path
):
    settings.API_TOKEN_REQUESTS_PER_MINUTE = settings.API_ADDRESS_REQUESTS_PER_MINUTE = 1_000_000
    key = api_for(engineer).key
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        "[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in ids.items())
    )
    command = [Path(sys.executable).parent / "schemathesis", "--config-file", config, "run"]
    command += [f"{live_server.url}/api/v1/schema/", "--header", f"Authorization: Bearer {key}"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--seed", "20260401"]
    command += ["--max-examples", "6", "--workers", "1", "--no-color", "--continue-on-failure"]
    command += ["--report", "json", "--report-json-path", tmp_path / "report.json"]

    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)

    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-2000:]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["operations"]["tested"] == report["operations"]["total"] == len(ROUTES)
    assert report["test_cases"]["generated"] > 500


def test_the_schema_is_openapi_3_1_and_every_operation_says_what_it_may_answer(engineer):
    schema = api_for(engineer, "read").get("schema/").data
    operations = [(method, op) for path in schema["paths"].values() for method, op in path.items()]

    assert schema["openapi"].startswith("3.1")
    assert len(operations) == len(ROUTES)
    for method, operation in operations:
        statuses = set(operation["responses"])
        assert {"400", "401", "403", "404", "405", "413", "429", "500"} <= statuses
        assert (method == "get") or {"409", "415"} <= statuses
        assert any(status.startswith("2") for status in statuses)
        assert "Scope:" in operation["description"]
        assert operation["security"] == [{"token": []}]
        problems = [answer for status, answer in operation["responses"].items() if status >= "4"]
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in problems)


@pytest.mark.parametrize("path", ["schema/", "docs/"])
def test_the_description_is_for_whoever_is_signed_in(path, client, client_for, annotator):
    assert client.get(f"/api/v1/{path}").status_code in {302, 401}
    assert client_for(annotator).get(f"/api/v1/{path}").status_code == 200


@pytest.mark.browser
def test_the_documentation_opens_under_the_policy_and_asks_with_a_token(
    new_page, live_server, project, engineer
):
    key = api_for(engineer, "read").key
    page = new_page(engineer)
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto("/api/v1/docs/")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("Value").fill(key)
    page.locator(".modal-ux").get_by_role("button", name="Apply credentials").click()
    page.locator(".modal-ux").get_by_role("button", name="Close").last.click()
    operation = page.locator("#operations-projects-list_projects")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    operation.locator(".live-responses-table").get_by_text(str(project.public_id)).wait_for()
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
