"""axe-core on every page, in its states, in both themes and both languages, on a desktop and on a phone.

axe sees about half of what WCAG 2.2 AA asks for; keys, focus and what is announced have tests of their own.
"""

from pathlib import Path

import axe_playwright_python
import pytest
from django.urls import reverse

from labeling import actions, password_reset
from labeling.models import GuidelineVersion, User
from labeling.rubrics.presets import PRESETS
from tests.making import make_demonstration_task, make_ranking_task
from tests.routes import ACCOUNTS, ROUTES
from tests.scene import make_scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# One run sees one theme, one language and one width; the two of them see both of each.
LOOKS = {
    "light, English, desktop": ("light", "en", (1280, 800)),
    "dark, Chinese, phone": ("dark", "zh-hans", (390, 844)),
}
WITH_A_KEY = {"account_reset_password_from_key", "account_confirm_email"}
WITHOUT = "00000000-0000-4000-8000-000000000000"

RUN = (Path(__file__).parent / "run_axe.js").read_text()


@pytest.fixture(params=LOOKS)
def look(request):
    return LOOKS[request.param]


@pytest.fixture
def open_page(new_page, look):
    """A page in one of LOOKS, which it is asserted to have."""
    theme, language, (width, height) = look

    def open_it(user=None, **options):
        User.objects.update(language=language)
        return new_page(
            user,
            color_scheme=theme,
            locale={"en": "en-US", "zh-hans": "zh-CN"}[language],
            viewport={"width": width, "height": height},
            reduced_motion="reduce",
            **options,
        )

    return open_it


def violations(page):
    """What axe finds on the page as it is now; its source comes in by the debugger, past no policy."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE)
    found = page.evaluate(RUN, TAGS)
    if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        found.append("it scrolls sideways")
    return found


def assert_clean(found):
    wrong = [f"{name}: {violation}" for name, each in found.items() for violation in each]
    assert not wrong, "\n".join(wrong)


def addresses(role, arguments):
    for name, route in ROUTES.items():
        if route.get == 200 and route.is_page and role in route.who:
            yield name, reverse(name, args=[arguments[argument] for argument in route.arguments])


def test_every_page_of_a_project_that_has_everything(open_page, look, live_server):
    scene = make_scene()
    found = {}
    for role in ("admin", "annotator"):
        page = open_page(scene.people[role])
        for name, address in addresses(role, scene.arguments):
            if name in found:
                continue
            assert page.goto(address).status == 200, address
            found[name] = violations(page)
    page.goto(reverse("assignment", args=[scene.arguments["writing"]]))
    found["writing"] = violations(page)
    page.goto(reverse("project", args=[WITHOUT]))
    found["nothing there"] = violations(page)

    assert page.evaluate("document.documentElement.lang") == look[1]
    assert_clean(found)


def test_every_page_of_a_project_that_has_nothing_yet(open_page, live_server, person):
    nina = person("Nina")
    project = actions.create_project(name="Empty", creator=nina)
    actions.add_member(project=project, user=nina, role="annotator")
    actions.add_member(project=project, user=nina, role="engineer")
    arguments = {"project": project.public_id, "rank": "rank", "sample": "sample"}
    page = open_page(nina)
    found = {}
    for name, route in ROUTES.items():
        hers = route.who & {"annotator", "manager", "engineer"}
        if hers and route.get == 200 and route.is_page and set(route.arguments) <= arguments.keys():
            address = reverse(name, args=[arguments[argument] for argument in route.arguments])
            assert page.goto(address).status == 200, address
            found[name] = violations(page)

    assert_clean(found)


def test_every_page_about_an_account(open_page, annotator):
    stranger, ada = open_page(), open_page(annotator)
    found = {}
    for name, statuses in ACCOUNTS.items():
        if name in WITH_A_KEY:
            continue
        for page, status in zip((stranger, ada), statuses, strict=True):
            if status == 200:
                page.goto(reverse(name))
                found[f"{name} of {'nobody' if page is stranger else 'somebody'}"] = violations(page)
    project = actions.create_project(name="Poems", creator=annotator)
    made = actions.invite(project=project, actor=annotator, roles=["annotator"])
    for page, who in ((stranger, "nobody"), (ada, "somebody")):
        page.goto(reverse("invitation", args=[made.key]))
        found[f"an invitation of {who}"] = violations(page)
    stranger.goto(reverse("invitation", args=["no-such-key"]))
    found["no invitation"] = violations(stranger)
    stranger.goto(password_reset.path_for(annotator))
    found["a new password"] = violations(stranger)
    stranger.goto(reverse("account_login"))
    stranger.fill("[name=login]", "nobody@example.org")
    stranger.fill("[name=password]", "wrong")
    stranger.click("main button")
    stranger.wait_for_selector(".errorlist")
    found["refused"] = violations(stranger)
    stranger.locator("[name=language]").evaluate("button => button.value = 'xx'")
    stranger.click("[name=language]")
    stranger.wait_for_selector(".code")
    found["an error"] = violations(stranger)
    ada.goto(reverse("account_change_password"))
    for name in ("oldpassword", "password1", "password2"):
        ada.fill(f"[name={name}]", "12345")
    ada.click("main button")
    ada.wait_for_selector(".problem, .errorlist")
    found["password refused"] = violations(ada)

    assert_clean(found)


# --- states of the pages on which people work


@pytest.fixture
def at_task(open_page, annotator, project):
    def open_it(kind="rank", **options):
        actions.publish_guidelines(
            project=project, language="en", body="# Be kind\n\n## Really\n\nYes.", author=None
        )
        assignment = actions.claim_task(user=annotator, project=project, kind=kind)
        page = open_page(annotator, **options)
        page.goto(reverse("assignment", args=[assignment.public_id]))
        return page, assignment

    return open_it


CODE = """**Bold** `code` [a link](https://example.org)

```python
# why
for n in range(3): print("x", n)
```

> said"""


def test_rating_ranking_and_every_dialog(at_task, project):
    actions.publish_rubric(project=project, questions=PRESETS["instructgpt"], author=None)
    make_ranking_task(project, [CODE, "| a | b |\n|---|---|\n| 1 | 2 |", "# Three\n\n## deeper", "four"])
    page, _ = at_task()
    found = {"rating": violations(page)}
    page.keyboard.press("Enter")
    for key in ("6", "c"):
        page.keyboard.press(key)
    found["rated"] = violations(page)
    page.keyboard.press("m")
    for key in "213":
        page.keyboard.press(key)
    found["ranked"] = violations(page)
    for name, key in {"guidelines": "g", "help": "?", "comparison": "d", "skip-question": "s"}.items():
        page.keyboard.press(key)
        page.wait_for_selector(f"#{name}[open]")
        if name == "comparison":
            page.wait_for_selector(".compared")
        found[name] = violations(page)
        page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.wait_for_selector(".text.raw")
    found["as written"] = violations(page)

    assert_clean(found)


def test_choosing_between_two(at_task, project):
    actions.publish_rubric(project=project, questions=PRESETS["instructgpt"], author=None)
    make_ranking_task(project, [CODE, "two"])
    page, _ = at_task()
    found = {"rating": violations(page)}
    page.keyboard.press("m")
    page.keyboard.press("2")
    found["choosing"] = violations(page)

    assert_clean(found)


# As a browser without scripts sends it.
SEND = """address => {
  const form = document.getElementById("work");
  form.setAttribute("action", address);
  HTMLFormElement.prototype.submit.call(form);
}"""


def test_what_is_refused_asked_about_or_told_while_ranking(at_task, project):
    actions.publish_rubric(project=project, questions=PRESETS["overall"], author=None)
    make_ranking_task(project)
    page, assignment = at_task()
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    found = {"asked": violations(page)}
    page.evaluate(SEND, reverse("submit", args=[assignment.public_id]))
    page.wait_for_selector("[role=alert]:not([hidden])")
    found["refused"] = violations(page)
    page.goto(reverse("assignment", args=[assignment.public_id]))
    page.keyboard.press("m")
    actions.save_draft(assignment=assignment, draft={"places": {"1": 2}}, version=0)
    page.keyboard.press("1")
    page.wait_for_selector("#two-versions[open]")
    found["two versions"] = violations(page)
    page.evaluate(SEND, reverse("skip", args=[assignment.public_id]))
    page.wait_for_selector("[name=sure]")
    found["asked to skip"] = violations(page)

    assert_clean(found)


def test_writing_and_what_is_told_there(at_task, project, annotator):
    make_demonstration_task(project)
    page, assignment = at_task("demonstrate")
    page.locator("textarea").press_sequentially("A text")
    page.wait_for_selector("#saved:has-text('✓')")
    found = {"saved": violations(page)}
    page.context.new_page().goto(page.url)
    page.wait_for_selector("[data-note=elsewhere]")
    found["two windows"] = violations(page)
    page.locator("textarea").press("Escape")
    page.keyboard.press("g")
    page.wait_for_selector("#guidelines[open]")
    found["guidelines"] = violations(page)
    page.keyboard.press("Escape")
    actions.skip_task(assignment=assignment)
    page.goto(reverse("assignment", args=[assignment.public_id]))
    found["skipped"] = violations(page)
    actions.acknowledge_guidelines(user=annotator, version=GuidelineVersion.objects.get())
    actions.publish_guidelines(project=project, language="en", body="# Be kinder\n\nYes.", author=None)
    page.goto(reverse("changed-guidelines", args=[project.public_id, "rank"]))
    found["changed guidelines"] = violations(page)

    assert_clean(found)


# --- forms of managers and engineers that were refused

EMPTY_AND_SEND = """form => {
  form.noValidate = true;
  for (const field of form.querySelectorAll("input:not([type=hidden], [type=checkbox]), textarea")) {
    field.value = "";
  }
  HTMLFormElement.prototype.submit.call(form);
}"""


@pytest.mark.parametrize("look", ["dark, Chinese, phone"], indirect=True)
def test_forms_that_are_refused_say_so_where_it_is_read(open_page, live_server):
    scene = make_scene()
    page = open_page(scene.people["admin"])
    found = {}
    for name, route in ROUTES.items():
        if route.post == 400 and route.get == 200 and "admin" in route.who:
            page.goto(reverse(name, args=[scene.arguments[argument] for argument in route.arguments]))
            form = page.locator("main form[method=post]").last
            with page.expect_navigation():
                form.evaluate(EMPTY_AND_SEND)
            found[name] = violations(page)

    assert_clean(found)
