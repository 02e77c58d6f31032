"""Reviewers' pages: the list with its filters and pages, one submission, and the way through them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions, review_queries
from labeling.models import Answer, Review, Submission, Task
from labeling.review_queries import ReviewFilter
from labeling.rubrics.presets import PRESETS
from tests.labeling.exporting import make_demonstration, make_ranking, rank
from tests.making import make_demonstration_task, make_ranking_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer(person, project):
    """Rea reviews, and ranks and writes too."""
    return person("Rea", "reviewer", project=project)


@pytest.fixture
def client(client_for, reviewer):
    return client_for(reviewer)


def list_of(client, project, **asked):
    return client.get(reverse("reviews", args=[project.public_id]), asked)


def shown(client, project, **asked):
    """The prompts that the list shows, from above."""
    page = list_of(client, project, **asked).context["page"]
    return [str(one.assignment.task.prompt) for one in page.submissions]


def address_of(submission, **asked):
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return reverse("review", args=[submission.public_id]) + (f"?{query}" if query else "")


def page_of(client, submission, **asked):
    answer = client.get(address_of(submission, **asked))
    assert answer.status_code == 200
    return answer.content.decode()


def review(submission, reviewer, verdict="accepted", note=""):
    return actions.review_submission(submission=submission, reviewer=reviewer, verdict=verdict, note=note)


def write(user, project, text, prompt):
    make_demonstration_task(project, text=prompt)
    assignment = actions.claim_task(user=user, project=project, kind="demonstrate")
    return actions.submit_demonstration(assignment=assignment, text=text, idempotency_key="k")


# --- the list


def test_it_shows_what_waits_newest_first_each_in_its_newest_revision(client, annotator, project):
    first = make_ranking(annotator, project, text="one")
    make_ranking(annotator, project, text="two")
    rank(first.assignment, (4, 3, 2, 1))

    assert shown(client, project) == ["one", "two"]


def test_neither_one_s_own_nor_what_no_person_submitted_is_there(client, reviewer, annotator, project):
    make_ranking(reviewer, project, text="mine")
    make_demonstration(annotator, project)
    make_ranking(annotator, project, text="simulated")
    Submission.objects.filter(assignment__user=annotator).exclude(origin="import").update(origin="simulated")

    assert shown(client, project, state="any") == []


def test_filters_of_state_kind_and_person(client, reviewer, annotator, second_annotator, project):
    accepted = make_ranking(annotator, project, text="accepted")
    returned = make_ranking(annotator, project, text="returned")
    make_ranking(second_annotator, project, text="by Ben")
    write(annotator, project, "An answer.", "written")
    review(accepted, reviewer)
    review(returned, reviewer, "returned", "Read C again.")

    assert shown(client, project) == ["written", "by Ben"]
    assert shown(client, project, state="accepted") == ["accepted"]
    assert shown(client, project, state="returned") == ["returned"]
    assert shown(client, project, state="any") == ["written", "by Ben", "returned", "accepted"]
    assert shown(client, project, state="any", kind="rank") == ["by Ben", "returned", "accepted"]
    assert shown(client, project, kind="demonstrate") == ["written"]
    assert shown(client, project, person=second_annotator.public_id) == ["by Ben"]
    assert shown(client, project, state="nonsense", person="nobody", kind="x") == ["written", "by Ben"]


def test_another_project_s_submissions_are_not_in_it(client, annotator, project):
    other = actions.create_project(name="Other", creator=None)
    make_ranking(annotator, other, text="elsewhere")

    assert shown(client, project, state="any") == []


def test_pages_follow_each_other_without_repeating(client, annotator, project, monkeypatch):
    monkeypatch.setattr(review_queries, "PAGE", 2)
    for text in "abc":
        make_ranking(annotator, project, text=f"prompt {text}")

    first = list_of(client, project)
    after = first.context["page"].after

    assert shown(client, project) == ["prompt c", "prompt b"]
    assert f"after={after}" in first.content.decode()
    assert shown(client, project, after=after) == ["prompt a"]


def test_an_empty_list_says_why(client, project):
    assert "Nothing waits for a review" in list_of(client, project).content.decode()
    assert "No submission is like this" in list_of(client, project, state="returned").content.decode()


def test_the_tab_counts_what_waits_up_to_a_hundred(client, annotator, reviewer, project, monkeypatch):
    for _ in range(3):
        make_ranking(annotator, project)
    make_ranking(reviewer, project)

    def badge():
        page = list_of(client, project, state="accepted").content.decode()
        return page.partition('class="badge accent" title="not reviewed">')[2].partition("<")[0]

    assert badge() == "3"
    monkeypatch.setattr(review_queries, "MOST_COUNTED", 2)
    assert badge() == "2+"


def test_the_list_costs_the_same_number_of_queries_however_long(client, annotator, project):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            list_of(client, project)
        return len(captured)

    make_ranking(annotator, project)
    few = queries()
    for _ in range(9):
        make_ranking(annotator, project)

    assert queries() == few <= 12


# --- one submission


def test_a_ranking_is_shown_in_full_with_places_answers_and_reasons(client, annotator, project):
    submission = make_ranking(
        annotator, project, (2, 1, 3, 3), text="Why?", texts=["w" * 3000, "b", "c", "d"]
    )
    rubric = actions.publish_rubric(project=project, questions=PRESETS["instructgpt"], author=None)
    Submission.objects.update(comment="B is *short*.", active_seconds=90, rubric_version=rubric)
    Answer.objects.create(submission=submission, question="overall_quality", slot=2, value=6)
    Answer.objects.create(submission=submission, question="ambiguous", slot=None, value=True)

    page = page_of(client, submission)
    outputs = client.get(address_of(submission)).context["reviewed"].outputs

    assert "Ada" in page and "1.5 min" in page and "w" * 3000 in page and "B is *short*." in page
    assert [output.place for output in outputs] == [2, 1, 3, 3]
    assert outputs[1].answers[0][1] == "6"
    order = submission.assignment.display_order
    assert [output.letter for output in outputs] == ["ABCD"[order.index(slot)] for slot in (1, 2, 3, 4)]
    assert "About the prompt" in page


def test_a_demonstration_is_shown_as_it_was_written(client, annotator, project):
    submission = write(annotator, project, "Because **air** scatters.", "Why?")

    assert "Because <strong>air</strong> scatters." in page_of(client, submission)


def test_a_reviewer_sees_what_a_writer_declares(client, annotator, project):
    make_demonstration_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="demonstrate")
    written = actions.submit_demonstration(
        assignment=assignment,
        text="0123456789",
        idempotency_key="k",
        pasted_characters=5,
        assistance="edited",
        assistance_tool="Spelling 3",
    )

    page = page_of(client, written)

    assert "50 % pasted" in page
    assert "Spelling 3" in page


def test_sensitive_texts_are_covered_for_a_reviewer_too(client, annotator, project):
    ranked = make_ranking(annotator, project)
    actions.mark_prompt(prompt=ranked.assignment.task.prompt, topics=["violence"])

    page = page_of(client, ranked)

    # The conversation and each of the four outputs.
    assert page.count('<details class="cover"') == 5


def test_what_was_set_aside_is_shown_without_places(client, annotator, project):
    make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    submission = actions.set_aside(assignment=assignment, verdict="none_usable", idempotency_key="k")

    page = page_of(client, submission)

    assert "none is usable" in page and 'class="badge accent">place' not in page


def test_other_people_s_judgments_of_the_task_are_beside_it(client, annotator, second_annotator, project):
    task = make_ranking_task(project)
    Task.objects.update(seats_wanted=2)
    ada, ben = (
        rank(actions.claim_task(user=user, project=project, kind="rank"), (1, 2, 3, 4))
        for user in (annotator, second_annotator)
    )

    reviewed = client.get(address_of(ada)).context["reviewed"]

    assert [judgment.submission for judgment in reviewed.others] == [ben]
    assert ada.assignment.task == task


def test_an_older_revision_leads_to_the_newest_with_the_reviews_of_both(client, annotator, project, reviewer):
    submission = make_ranking(annotator, project)
    review(submission, reviewer, "returned", "Read <C> again.")
    revised = rank(submission.assignment, (4, 2, 3, 1))

    assert client.get(address_of(submission, state="any")).headers["Location"] == address_of(
        revised, state="any"
    )
    assert "Read &lt;C&gt; again." in page_of(client, revised)
    outputs = client.get(address_of(revised)).context["reviewed"].outputs
    assert [(output.place, output.former_place) for output in outputs] == [
        (4, 1),
        (2, None),
        (3, None),
        (1, 4),
    ]


def test_of_an_answer_it_shows_what_changed_since_it_was_returned(client, annotator, project, reviewer):
    submission = write(annotator, project, "Because of the <sea>.", "Why?")
    review(submission, reviewer, "returned", "It is not the sea.")
    revised = actions.submit_demonstration(
        assignment=submission.assignment, text="Because of the air.", idempotency_key="again"
    )

    page = page_of(client, revised)

    assert "Because of the <mark>&lt;sea&gt;</mark>." in page
    assert "Because of the <mark>air</mark>." in page


def test_one_s_own_is_not_there_to_be_reviewed(client, reviewer, project):
    own = make_ranking(reviewer, project)

    assert client.get(address_of(own)).status_code == 404
    assert client.post(address_of(own), {"verdict": "accepted"}).status_code == 404


@pytest.mark.parametrize("who", ["annotator", "engineer", "outsider"])
def test_others_review_nothing(client_for, second_annotator, project, request, who):
    submission = make_ranking(second_annotator, project)
    client = client_for(request.getfixturevalue(who))

    assert client.get(address_of(submission)).status_code == 404
    assert client.post(address_of(submission), {"verdict": "accepted"}).status_code == 404
    assert list_of(client, project).status_code == 404
    assert Review.objects.count() == 0


def test_one_submission_costs_the_same_number_of_queries_however_many_judged_it(client, project, person):
    def judge(number):
        user = person(f"Judge{number}", "annotator", project=project)
        return rank(actions.claim_task(user=user, project=project, kind="rank"), (1, 2, 3, 4))

    def queries(submission):
        with CaptureQueriesContext(connection) as captured:
            page_of(client, submission, state="any")
        return len(captured)

    make_ranking_task(project)
    Task.objects.update(seats_wanted=6)
    first = judge(0)
    judge(1)
    queries(first)  # the first look leaves a row at the task
    few = queries(first)
    for number in range(2, 6):
        review(judge(number), person(f"Reviewer{number}", "reviewer", project=project))

    assert queries(first) == few


# --- the way through


def test_after_an_acceptance_the_next_of_the_list_comes(client, annotator, project):
    one, two, three = (make_ranking(annotator, project, text=text) for text in "abc")

    sent = client.post(address_of(two), {"verdict": "accepted"})
    last = client.post(sent.headers["Location"], {"verdict": "accepted"})

    assert sent.headers["Location"] == address_of(one)
    assert last.headers["Location"] == address_of(three)
    done = client.post(address_of(three), {"verdict": "accepted"})
    assert done.headers["Location"] == reverse("reviews", args=[project.public_id])
    assert set(Submission.objects.values_list("review_state", flat=True)) == {"accepted"}


def test_the_filter_goes_along(client, annotator, second_annotator, project):
    first = make_ranking(annotator, project)
    make_ranking(second_annotator, project)
    last = make_ranking(annotator, project)
    asked = {"person": annotator.public_id}

    sent = client.post(address_of(last, **asked), {"verdict": "returned", "note": "Read C again."})

    assert sent.headers["Location"] == address_of(first, **asked)
    page = client.get(sent.headers["Location"]).content.decode()
    assert "Returned to Ada." in page


def test_in_a_list_of_any_state_it_goes_on_to_what_waits(annotator, reviewer, project):
    one, two, three = (make_ranking(annotator, project) for _ in range(3))
    review(two, reviewer)
    anything, accepted = ReviewFilter(state=""), ReviewFilter(state="accepted")

    assert review_queries.next_to_review(reviewer, anything, three) == one
    assert review_queries.older_one(reviewer, anything, three) == two
    assert review_queries.newer_one(reviewer, anything, one) == two
    assert review_queries.next_to_review(reviewer, accepted, three) == two
    assert review_queries.next_to_review(reviewer, accepted, two) is None


def test_a_refusal_keeps_what_was_written(client, annotator, project, manager):
    submission = make_ranking(annotator, project)
    review(submission, manager)

    answer = client.post(address_of(submission), {"verdict": "returned", "note": "Not <quite>."})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Mia has reviewed it meanwhile" in page and ">Not &lt;quite&gt;.</textarea>" in page
    again = {"verdict": "returned", "note": "Not quite.", "seen": answer.context["reviewed"].seen}
    assert client.post(address_of(submission), again).status_code == 302
    assert Submission.objects.get().review_state == "returned"


def test_a_return_without_a_note_comes_back_with_the_reason(client, annotator, project):
    submission = make_ranking(annotator, project)

    answer = client.post(address_of(submission), {"verdict": "returned", "note": " "})

    assert answer.status_code == 400
    assert "Write what to change first" in answer.content.decode()


def test_a_manager_finds_the_way_from_the_task(client_for, manager, annotator, project):
    ranked = make_ranking(annotator, project)
    own = make_ranking(manager, project)
    written = write(annotator, project, "An answer.", "Why?")
    client = client_for(manager)

    for submission, is_linked in ((ranked, True), (own, False), (written, True)):
        page = client.get(
            reverse("manage-task", args=[submission.assignment.task.public_id])
        ).content.decode()
        assert (address_of(submission) in page) == is_linked
    assert "An answer." in page
