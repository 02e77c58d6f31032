"""URL × verb × role, generated from the URLconf: an address that tests/routes.py does not list fails."""

import re
from collections.abc import Iterator

import pytest
from django.db import connection, reset_queries, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.routes import ACCOUNTS, ELSEWHERE, OPEN, OPEN_ARGUMENTS, ROUTES, SIGNED_IN
from tests.scene import make_scene

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
WRITES = re.compile(r'\s*(INSERT INTO|UPDATE|DELETE FROM) "(?!django_session)', re.IGNORECASE)


def addresses(resolver: URLResolver, prefix: str = "", namespace: str = "") -> Iterator[tuple[str, str]]:
    """(address, name) of every route of the site."""
    for part in resolver.url_patterns:
        address = prefix + str(part.pattern)
        if isinstance(part, URLPattern):
            yield address, namespace + (part.name or "")
        else:
            yield from addresses(part, address, namespace + (f"{part.namespace}:" if part.namespace else ""))


def sign_in(person) -> Client:
    client = Client()
    if person is not None:
        client.force_login(person)
    return client


def ask(client, verb, address):
    """The answer, and the statements that wrote something; whatever it changed is undone."""
    reset_queries()  # the log keeps some thousands, and then nothing new
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        form = "application/x-www-form-urlencoded"
        answer = client.generic(verb, address, "sent=1" if verb == "POST" else "", content_type=form)
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return answer, [query["sql"] for query in queries if WRITES.match(query["sql"])]


def expected(route, role: str, verb: str) -> int:
    allowed = {"GET": route.get, "HEAD": route.get, "POST": route.post}.get(verb)
    if role == "anonymous":
        return 302
    if allowed is None:
        return 405
    return allowed if role in route.who else 404


def problems_of(client, role, route, address) -> Iterator[str]:
    """What a person is answered otherwise than the table says, verb by verb."""
    for verb in VERBS:
        answer, writes = ask(client, verb, address)
        wanted = expected(route, role, verb)
        if answer.status_code != wanted:
            yield f"{verb}: {answer.status_code} instead of {wanted}"
        elif role == "anonymous" and not answer.headers["Location"].startswith(reverse("account_login")):
            yield f"{verb} leads to {answer.headers['Location']}"
        elif writes and (verb != "POST" or wanted == 404) and not (route.keeps_looks and are_looks(writes)):
            yield f"{verb} wrote: {writes[0][:200]}"


def are_looks(writes: list[str]) -> bool:
    """A row at the task, and its history: of whoever saw what others made of it."""
    return all(re.match(r'INSERT INTO "labeling_assignment(statuschange)?"', sql) for sql in writes)


def address_of(name, scene) -> str:
    return reverse(name, args=[scene.arguments[argument] for argument in ROUTES[name].arguments])


def test_every_address_is_listed():
    listed = ROUTES.keys() | OPEN.keys() | ACCOUNTS.keys()

    unlisted = [
        f"{address or '/'} ({name or 'no name'})"
        for address, name in addresses(get_resolver())
        if name not in listed and not address.startswith(tuple(ELSEWHERE))
    ]

    assert unlisted == [], "say in tests/routes.py who may use these, and with which verb"


def test_nothing_is_listed_that_is_no_address():
    names = {name for _address, name in addresses(get_resolver())}

    assert (ROUTES.keys() | OPEN.keys() | ACCOUNTS.keys()) - names == set()


@pytest.mark.slow
def test_who_may_do_what(db):
    scene = make_scene()
    clients = {role: sign_in(person) for role, person in scene.people.items()}

    wrong = []
    for name, route in ROUTES.items():
        address = address_of(name, scene)
        for role, client in clients.items():
            wrong += [f"{name}: {role} {problem}" for problem in problems_of(client, role, route, address)]

    assert not wrong, "correct the code, or tests/routes.py:\n" + "\n".join(wrong)


def test_a_post_without_the_token_of_a_form_is_refused_everywhere(db):
    scene = make_scene()
    posts = {name: route for name, route in ROUTES.items() if route.post}

    statuses = {}
    for name, route in posts.items():
        client = Client(enforce_csrf_checks=True)
        client.force_login(scene.people["annotator" if "annotator" in route.who else "manager"])
        statuses[name] = client.post(address_of(name, scene)).status_code

    assert statuses == dict.fromkeys(posts, 403)


@pytest.mark.parametrize("name", OPEN)
@pytest.mark.parametrize("role", ["anonymous", "outsider"])
def test_what_is_open_to_everybody(name, role, db, person):
    client = sign_in(person("Olga") if role == "outsider" else None)
    address = reverse(name, args=OPEN_ARGUMENTS.get(name, []))

    statuses = {verb: ask(client, verb, address)[0].status_code for verb in VERBS}

    assert statuses == dict.fromkeys(VERBS, 405) | OPEN[name]


@pytest.mark.parametrize("name", ACCOUNTS)
def test_pages_of_accounts(name, db, person):
    arguments = {"account_confirm_email": ["a:b"], "account_reset_password_from_key": ["1", "a-b"]}
    address = reverse(name, args=arguments.get(name, []))

    statuses = tuple(sign_in(who).get(address).status_code for who in (None, person("Olga")))

    assert statuses == ACCOUNTS[name]


def test_the_matrix_asks_each_kind_of_person(db):
    assert set(make_scene().people) == SIGNED_IN | {"anonymous"}
