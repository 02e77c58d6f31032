"""Nothing of a project is found by who has every role in another, for every model with a public id."""

import uuid

import pytest
from django.apps import apps
from django.urls import URLPattern, reverse

from labeling.api import urls as labeling_api
from labeling.models import PublicIdModel
from tests.api import api_for, assert_problem
from tests.routes import ROUTES
from tests.scene import make_scene
from training.api import urls as training_api

# No address has the public id of these; what shows them instead.
WITHOUT_ADDRESS = {
    "Completion": "its task's page",
    "Plan": "the plan's page of its project",
    "Pilot": "the pilot's page of its project",
    "AuditEvent": "the audit log of its project",
    "Review": "the page on which its submission is reviewed",
    "ThreadMessage": "the page of its thread",
    "Snapshot": "a list of the project's; by itself only in the API",
}
# Of the API's addresses: name of the argument → name in the scene, or a model of which the scene has one.
API_ARGUMENTS = {
    "project_id": "project",
    "assignment_id": "assignment",
    "run_id": "run",
    "version_id": "candidate",
    "snapshot_id": "Snapshot",
}


def models_with_a_public_id():
    for app in ("labeling", "training"):
        for model in apps.get_app_config(app).get_models():
            if issubclass(model, PublicIdModel):
                yield model


def model_of(public_id):
    return next(m for m in models_with_a_public_id() if m.objects.filter(public_id=public_id).exists())


@pytest.fixture
def scene(db):
    return make_scene()


def test_every_model_with_a_public_id_has_an_address_that_is_asked_for_or_none(scene):
    listed = {argument for route in ROUTES.values() for argument in route.arguments}
    ids = [scene.arguments[argument] for argument in listed]
    asked_for = {model_of(value).__name__ for value in ids if isinstance(value, uuid.UUID)}
    every = {model.__name__ for model in models_with_a_public_id()}

    assert every - asked_for == set(WITHOUT_ADDRESS), (
        "give the new model's page in tests/routes.py, or list it"
    )
    assert asked_for & set(WITHOUT_ADDRESS) == set()


# Their own: one's account, a base model that all projects share.
SHARED = {"base"}


def test_no_page_of_a_project_is_there_for_a_person_of_another(scene, client_for):
    client = client_for(scene.people["elsewhere"])
    found = {}
    for name, route in ROUTES.items():
        subjects = [a for a in route.arguments if isinstance(scene.arguments[a], uuid.UUID)]
        if not set(subjects) - SHARED:
            continue
        address = reverse(name, args=[scene.arguments[argument] for argument in route.arguments])
        for verb, allowed in (("GET", route.get), ("POST", route.post)):
            if allowed is not None:
                found[name, verb] = client.generic(verb, address).status_code

    assert len(found) > 80
    assert {key: status for key, status in found.items() if status != 404} == {}


def test_no_route_of_the_api_is_there_for_a_person_of_another(scene):
    api = api_for(scene.people["elsewhere"])
    asked = 0
    for pattern in (*labeling_api.urlpatterns, *training_api.urlpatterns):
        for method in methods_of(pattern):
            address = api_address(pattern, scene)
            if address is None:
                continue
            assert_problem(api.ask(method, address), 404, "not_found")
            asked += 1

    assert asked > 20


def methods_of(pattern: URLPattern) -> set[str]:
    return set(pattern.callback.view_class().allowed_methods) - {"HEAD"}


def api_address(pattern: URLPattern, scene) -> str | None:
    """None for the list of one's own projects, which has no argument."""
    names = list(pattern.pattern.converters)
    if not names:
        return None
    ids = {}
    for name in names:
        subject = API_ARGUMENTS[name]
        row = next((m for m in models_with_a_public_id() if m.__name__ == subject), None)
        ids[name] = row.objects.first().public_id if row else scene.arguments[subject]
    return reverse(pattern.name, kwargs=ids)
