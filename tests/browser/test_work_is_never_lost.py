"""What somebody writes outlives the connection, the browser, the server, other windows and the lease."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from playwright.sync_api import Error

from config import programs
from config.health import site_answers
from labeling import actions
from labeling.models import Assignment, Submission
from tests.conftest import BASE_DIR, CHROMIUM_FLAGS, chromium_path, sign_in_browser
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAVED = "#saved:has-text('Saved')"
ELSEWHERE = "text=open in another window too"


@pytest.fixture
def assignment(project, annotator):
    make_demonstration_task(project)
    return actions.claim_task(user=annotator, project=project, kind="demonstrate")


@pytest.fixture
def address(assignment):
    return reverse("assignment", args=[assignment.public_id])


def saved_text(assignment):
    return Assignment.objects.get(pk=assignment.pk).draft.get("text")


def wait_for(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


def write(page, text):
    page.locator("textarea").press_sequentially(text)


def test_a_text_is_on_the_server_two_seconds_after_the_last_key_and_on_another_device(
    new_page, annotator, assignment, address
):
    page, other_device = new_page(annotator), new_page(annotator)
    page.goto(address)

    write(page, "A careful sentence.")
    wait_for(lambda: saved_text(assignment) == "A careful sentence.", seconds=2)
    page.reload()
    other_device.goto(address)

    assert page.locator("textarea").input_value() == "A careful sentence."
    assert other_device.locator("textarea").input_value() == "A careful sentence."


def test_whoever_leaves_the_page_at_once_finds_the_text_again(new_page, annotator, assignment, address):
    page = new_page(annotator)
    page.goto(address)

    write(page, "Gone in a moment")
    page.goto("/")

    wait_for(lambda: saved_text(assignment) == "Gone in a moment", seconds=2)


def test_without_a_connection_the_text_waits_and_is_saved_when_it_is_back(
    new_page, annotator, assignment, address
):
    page = new_page(annotator)
    page.goto(address)
    page.context.set_offline(True)

    write(page, "Written on a train")
    page.wait_for_selector("#saved:has-text('kept on this device')")
    assert saved_text(assignment) is None
    page.context.set_offline(False)

    page.wait_for_selector(SAVED)
    assert saved_text(assignment) == "Written on a train"
    assert page.evaluate("Object.keys(localStorage)") == []


def test_a_submission_without_a_connection_stays_on_the_page_and_goes_out_once_later(
    new_page, annotator, assignment, address
):
    page = new_page(annotator)
    page.goto(address)
    write(page, "An answer.")
    page.context.set_offline(True)

    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Not sent: there is no connection")
    page.context.set_offline(False)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Nothing to write right now")

    assert Submission.objects.get().demonstration.completion.text == "An answer."


def test_the_copy_of_a_device_that_lost_its_connection_is_taken_up_when_it_comes_back(
    new_page, annotator, assignment, address
):
    page = new_page(annotator)
    page.goto(address)
    page.context.set_offline(True)
    write(page, "Only here")
    page.wait_for_selector("#saved:has-text('kept on this device')")

    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(address)

    page.wait_for_function("() => document.querySelector('textarea').value === 'Only here'")
    wait_for(lambda: saved_text(assignment) == "Only here")


def test_an_older_copy_never_replaces_what_another_device_saved_and_both_are_offered(
    new_page, annotator, assignment, address
):
    page = new_page(annotator)
    page.goto(address)
    page.context.set_offline(True)
    write(page, "Written offline")
    page.wait_for_selector("#saved:has-text('kept on this device')")
    actions.save_draft(assignment=assignment, draft={"text": "Written elsewhere"}, version=0)
    page.context.set_offline(False)

    dialog = page.locator("#two-versions")
    dialog.wait_for()
    assert dialog.locator("[data-version=mine]").inner_text() == "Written offline"
    assert dialog.locator("[data-version=theirs]").inner_text() == "Written elsewhere"
    assert saved_text(assignment) == "Written elsewhere"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Compare them").click()
    page.get_by_role("button", name="Go on with this one").click()

    wait_for(lambda: saved_text(assignment) == "Written offline")
    assert page.locator("textarea").input_value() == "Written offline"


def test_two_tabs_say_that_they_are_two_and_the_second_offers_both_texts(
    new_page, annotator, assignment, address
):
    first = new_page(annotator)
    first.goto(address)
    second = first.context.new_page()
    second.goto(address)
    for tab in (first, second):
        tab.wait_for_selector(ELSEWHERE)

    second.locator("textarea").evaluate("(box) => box.focus()")
    write(first, "From the first")
    first.wait_for_selector(SAVED)
    second.wait_for_selector("text=saved something newer")
    write(second, "From the second")

    second.wait_for_selector("#two-versions[open]")
    assert saved_text(assignment) == "From the first"
    second.get_by_role("button", name="Go on with that one").click()
    second.wait_for_function("() => document.querySelector('textarea').value === 'From the first'")
    first.close()
    second.wait_for_selector(ELSEWHERE, state="detached", timeout=15_000)


def test_a_window_that_crashed_is_not_taken_for_open(new_page, annotator, assignment, address):
    page = new_page(annotator)
    page.goto(address)
    other = page.context.new_page()
    other.goto(address)
    page.wait_for_selector(ELSEWHERE)

    with other.expect_event("crash"), pytest.raises(Error):
        other.goto("chrome://crash")

    page.wait_for_selector(ELSEWHERE, state="detached", timeout=15_000)
    other.close()


def test_a_window_that_stays_open_is_not_forgotten(new_page, annotator, assignment, address):
    page = new_page(annotator)
    page.clock.install()
    page.goto(address)
    other = page.context.new_page()
    other.goto(address)
    page.wait_for_selector(ELSEWHERE)

    for _ in range(5):
        page.clock.run_for(3_000)
        page.wait_for_timeout(200)  # the answer comes from another process

    assert page.locator(ELSEWHERE).count() == 1


def test_a_lease_that_expires_in_mid_sentence_is_taken_up_again_while_nobody_else_wants_it(
    new_page, annotator, assignment, address
):
    page = new_page(annotator)
    page.goto(address)
    write(page, "Half a ")
    page.wait_for_selector(SAVED)
    Assignment.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert actions.expire_leases() == 1

    write(page, "sentence.")
    wait_for(lambda: saved_text(assignment) == "Half a sentence.")

    assignment.refresh_from_db()
    assert (assignment.status, assignment.holds_seat) == ("leased", True)
    assert page.locator("[data-note=late]").count() == 0


def test_a_lease_that_went_to_another_in_mid_sentence_costs_nothing_but_the_seat(
    new_page, annotator, second_annotator, project, assignment, address
):
    page = new_page(annotator)
    page.goto(address)
    write(page, "Half a ")
    page.wait_for_selector(SAVED)
    Assignment.objects.update(lease_until=Now() - timedelta(seconds=1))
    other = actions.claim_task(user=second_annotator, project=project, kind="demonstrate")
    actions.submit_demonstration(assignment=other, text="Faster.", idempotency_key="k")

    write(page, "sentence.")
    page.wait_for_selector("text=someone else has it")
    assert saved_text(assignment) == "Half a sentence."
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Nothing to write right now")

    late = Submission.objects.get(assignment=assignment)
    late.assignment.task.refresh_from_db()
    assert (late.is_late, late.assignment.holds_seat) == (True, False)
    assert late.demonstration.completion.text == "Half a sentence."
    assert late.assignment.task.seats_taken == 1


# --- kill -9


@pytest.fixture
def own_browser(browser, tmp_path):
    """Starts a Chromium with a profile of its own, which outlives it: (context, kill)."""
    profile = tmp_path / "profile"

    def pids():
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and str(profile).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue  # it ended meanwhile
        return found

    def kill():
        while running := pids():
            for pid in running:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.05)

    def start(url, user):
        context = browser.browser_type.launch_persistent_context(
            profile, executable_path=chromium_path(), args=CHROMIUM_FLAGS, base_url=url
        )
        context.set_default_timeout(10_000)
        sign_in_browser(context, user, url)
        return context.pages[0], kill

    yield start
    kill()


def test_a_draft_survives_kill_9_of_the_browser(own_browser, live_server, annotator, assignment, address):
    page, kill = own_browser(live_server.url, annotator)
    page.goto(address)
    write(page, "Not yet lost")
    page.wait_for_selector(SAVED)

    kill()
    page, _ = own_browser(live_server.url, annotator)
    page.goto(address)

    assert page.locator("textarea").input_value() == "Not yet lost"
    page.context.close()


@pytest.fixture
def web_server(worker_environment, transactional_db):
    """A real gunicorn against the test database: (url, start, kill)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = []

    def start():
        command = programs.web(bind=f"127.0.0.1:{port}", workers=1, python=sys.executable)
        process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=worker_environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        running.append(process)
        wait_for(lambda: site_answers("127.0.0.1", port), seconds=30)

    def kill():
        process = running.pop()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    start()
    yield f"http://127.0.0.1:{port}", start, kill
    while running:
        kill()


def test_a_draft_survives_kill_9_of_the_web_server(new_page, web_server, annotator, assignment, address):
    url, start, kill = web_server
    page = new_page()
    sign_in_browser(page.context, annotator, url)
    page.goto(url + address)

    kill()
    write(page, "Nobody listens")
    page.wait_for_selector("#saved:has-text('kept on this device')")
    start()

    page.wait_for_selector(SAVED, timeout=15_000)
    assert saved_text(assignment) == "Nobody listens"


# --- skipping, revising


def test_skipping_asks_once_when_something_was_entered_and_answers_to_the_keyboard(
    new_page, annotator, assignment, address
):
    page = new_page(annotator)
    page.goto(address)
    write(page, "A beginning")
    page.locator("#skip").focus()

    page.keyboard.press("Enter")
    page.wait_for_selector("#skip-question[open]")
    page.keyboard.press("Escape")
    assert Assignment.objects.get().status == "leased"
    page.locator("#skip").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing to write right now")

    assert Assignment.objects.get().status == "skipped"


def test_skipping_an_untouched_task_asks_nothing(new_page, annotator, assignment, address):
    page = new_page(annotator)
    page.goto(address)

    page.click("#skip")

    page.wait_for_selector("text=Nothing to write right now")


def test_without_javascript_skipping_asks_on_a_page_and_keeps_the_text(
    new_page, annotator, assignment, address
):
    page = new_page(annotator, java_script_enabled=False)
    page.goto(address)
    page.fill("textarea", "A beginning")
    page.click("#skip")
    page.click("text=Go on working")
    assert page.locator("textarea").input_value() == "A beginning"

    page.click("#skip")
    page.click("button:has-text('Skip it')")

    assert "Nothing to write right now" in page.content()
    assert Assignment.objects.get().draft["text"] == "A beginning"


def test_going_back_to_edit_adds_a_revision(new_page, annotator, project, assignment, address):
    make_demonstration_task(project)
    page = new_page(annotator)
    page.goto(address)
    write(page, "First.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: address not in url)

    page.go_back()
    page.wait_for_selector("text=You have submitted this already")
    page.wait_for_load_state()  # going back loads the page again: the keys' script comes after the text
    assert page.locator("textarea").input_value() == "First."
    page.fill("textarea", "Second.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: address not in url)

    revisions = Submission.objects.filter(assignment=assignment).order_by("revision")
    assert [one.demonstration.completion.text for one in revisions] == ["First.", "Second."]


# --- from task to task


def test_the_next_task_appears_without_a_reload_from_what_was_prepared(new_page, annotator, project):
    tasks = [make_demonstration_task(project) for _ in range(3)]
    first = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    page = new_page(annotator)
    page.goto(reverse("assignment", args=[first.public_id]))
    page.evaluate("window.stayed = true")

    for task in tasks:
        page.wait_for_selector(f"text={task.prompt.messages[0]['content']}")
        if task is not tasks[-1]:
            wait_for(lambda: Assignment.objects.filter(status="reserved").exists())
        write(page, "Done.")
        page.keyboard.press("Control+Enter")

    page.wait_for_selector("text=Nothing to write right now")
    assert Submission.objects.count() == 3
    assert set(Assignment.objects.values_list("status", flat=True)) == {"submitted"}


def test_a_double_click_on_submit_is_one_submission(new_page, annotator, assignment, address):
    page = new_page(annotator)
    page.goto(address)
    write(page, "Once.")

    page.dblclick("#submit")
    page.wait_for_selector("text=Nothing to write right now")

    assert Submission.objects.count() == 1


# --- active time


@pytest.fixture
def at_clock(new_page, annotator, assignment, address):
    """A page whose clock the test turns, of a task that was claimed an hour ago."""
    Assignment.objects.update(claimed_at=Now() - timedelta(hours=1))
    page = new_page(annotator)
    page.add_init_script(
        "Object.defineProperty(document, 'visibilityState', {get: () => window.seen ?? 'visible'})"
    )
    page.clock.install()
    page.goto(address)
    return page


def test_time_counts_while_somebody_writes_and_not_while_nobody_does(at_clock, assignment):
    page = at_clock
    for _ in range(3):
        page.locator("textarea").press("x")
        page.clock.run_for(30_000)
    page.clock.run_for(20 * 60_000)
    page.keyboard.press("Control+Enter")
    wait_for(lambda: Submission.objects.exists())

    # Three times thirty seconds, and thirty more until it counts as idle.
    assert 115 <= Submission.objects.get().active_seconds <= 125


def test_a_hidden_page_counts_nothing(at_clock, assignment):
    page = at_clock
    page.locator("textarea").press("x")
    page.clock.run_for(10_000)
    page.evaluate("window.seen = 'hidden'")
    page.clock.run_for(40_000)
    page.evaluate("window.seen = 'visible'")
    page.locator("textarea").press("x")
    page.keyboard.press("Control+Enter")
    wait_for(lambda: Submission.objects.exists())

    assert 9 <= Submission.objects.get().active_seconds <= 12


def test_a_submission_past_something_newer_asks_once_and_then_stands(
    new_page, annotator, assignment, address
):
    page = new_page(annotator)
    page.goto(address)
    write(page, "Here.")
    page.wait_for_selector(SAVED)
    actions.save_draft(assignment=assignment, draft={"text": "Newer, elsewhere."}, version=1)

    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=a newer draft was saved from another window")
    assert Submission.objects.count() == 0
    assert page.locator("textarea").input_value() == "Here."
    page.locator("textarea").press("Control+Enter")
    page.wait_for_selector("text=Nothing to write right now")

    assert Submission.objects.get().demonstration.completion.text == "Here."


# --- rankings


@pytest.fixture
def ranking(project, annotator):
    make_ranking_task(project)
    return actions.claim_task(user=annotator, project=project, kind="rank")


def test_two_versions_of_a_ranking_are_told_by_their_places(new_page, annotator, ranking):
    page = new_page(annotator)
    page.goto(reverse("assignment", args=[ranking.public_id]))
    actions.save_draft(assignment=ranking, draft={"places": {"1": 2, "2": 1}}, version=0)

    page.keyboard.press("1")
    dialog = page.locator("#two-versions")
    dialog.wait_for()
    assert dialog.locator("[data-version=mine]").inner_text() == "Place 1: A"
    assert dialog.locator("[data-version=theirs]").inner_text() == "Place 1: B\nPlace 2: A"
    page.get_by_role("button", name="Go on with that one").click()

    page.wait_for_function("() => document.querySelector('[name=place-1]').value === '2'")


def test_rankings_follow_each_other_by_keyboard_without_a_reload(new_page, annotator, project, ranking):
    make_ranking_task(project)
    make_ranking_task(project)
    page = new_page(annotator)
    page.goto(reverse("assignment", args=[ranking.public_id]))
    page.evaluate("window.stayed = true")

    for done in (1, 2, 3):
        if done < 3:
            wait_for(lambda: Assignment.objects.filter(status="reserved").exists())
            page.wait_for_timeout(300)
        for key in "1234":
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        wait_for(lambda done=done: Submission.objects.count() == done)
        if done < 3:
            page.wait_for_selector(f"text={done} ranked")
            assert page.evaluate("window.stayed") is True
            assert page.locator(".rail-places .chip").count() == 0
    page.wait_for_selector("text=Nothing to rank right now")


def test_a_refused_ranking_stays_on_the_page_with_its_places(new_page, annotator, ranking):
    page = new_page(annotator)
    page.goto(reverse("assignment", args=[ranking.public_id]))
    for output in range(1, 5):
        page.fill(f"[name=place-{output}]", str(output))
    actions.save_draft(assignment=ranking, draft={"places": {"1": 4}}, version=ranking.draft_version)

    page.keyboard.press("Enter")
    page.wait_for_selector("#two-versions[open], [role=alert]:not([hidden])")

    assert Submission.objects.count() == 0
    assert page.locator("[name=place-4]").input_value() == "4"


def test_whoever_submits_in_a_paused_project_is_told_where_they_are(
    new_page, annotator, project, assignment, address
):
    page = new_page(annotator)
    page.goto(address)
    write(page, "Before lunch.")
    actions.pause_project(project=project, reason="Lunch until one.")

    page.keyboard.press("Control+Enter")

    page.wait_for_selector("[role=status] >> text=The project is paused")
    page.wait_for_selector("text=Lunch until one.")
    assert page.url.endswith(reverse("project", args=[project.public_id]))
    assert Submission.objects.count() == 1
    page.go_back()
    page.wait_for_selector("text=You have submitted this already")
