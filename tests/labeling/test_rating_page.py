"""The ranking page with a rubric, with two outputs, and for what is set aside: shown, and sent as a form."""

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Project, Submission
from labeling.rubrics.presets import OVERALL, PRESETS
from tests import hostile
from tests.making import make_ranking_task

pytestmark = pytest.mark.django_db

PLACES = {f"place-{n}": n for n in range(1, 5)}
RATINGS = {f"answer-{n}-overall_quality": 5 for n in range(1, 5)}


@pytest.fixture
def opened(client_for, annotator, project):
    """Claims a task and returns (its assignment, get, post)."""

    def open_it(texts=("alpha", "beta", "gamma", "delta")):
        make_ranking_task(project, texts)
        assignment = actions.claim_task(user=annotator, project=project, kind="rank")
        client = client_for(annotator)

        def get(**asked):
            return client.get(reverse("assignment", args=[assignment.public_id]), asked)

        def post(**sent):
            sent = {name.replace("__", "-"): value for name, value in sent.items()}
            return client.post(
                reverse("submit", args=[assignment.public_id]), {"idempotency_key": "k"} | sent
            )

        return assignment, get, post

    return open_it


@pytest.fixture
def rubric(project):
    return actions.publish_rubric(project=project, questions=PRESETS["instructgpt"], author=None)


def test_without_a_rubric_nothing_is_asked_but_the_ranking(opened):
    _, get, _ = opened()

    page = get().content.decode()

    assert 'name="answer-' not in page and 'data-to="rate"' not in page


def test_every_question_is_asked_of_every_output_and_of_the_prompt(opened, rubric):
    _, get, _ = opened()

    page = get().content.decode()

    for n in range(1, 5):
        assert page.count(f'name="answer-{n}-overall_quality"') == 7
        assert page.count(f'name="answer-{n}-hallucination"') == 1
    assert page.count('name="answer-0-ambiguous"') == 1
    assert 'name="answer-0-overall_quality"' not in page


def test_questions_are_in_the_language_of_the_page(opened, rubric, annotator):
    _, get, _ = opened()
    type(annotator).objects.update(language="zh-hans")

    assert "虚构内容" in get().content.decode()


def test_ratings_and_ranking_are_sent_together(opened, rubric):
    _, _, post = opened()

    answer = post(**PLACES, **RATINGS, **{"answer-2-hallucination": "yes"}, rubric_version=rubric.public_id)

    submission = Submission.objects.get()
    assert answer.status_code == 302
    assert submission.rubric_version == rubric
    assert submission.answers.count() == 5


def test_a_missing_rating_is_asked_for_and_what_was_entered_comes_back(opened, rubric):
    _, _, post = opened()

    answer = post(**PLACES, **{"answer-1-overall_quality": 5, "answer-2-hallucination": "yes"}, comment="Hm.")

    page = answer.content.decode()
    assert answer.status_code == 400 and "Some questions have no answer yet" in page
    assert [row.problem for row in answer.context["outputs"][0].questions if row.problem] == []
    assert [row.problem for row in answer.context["outputs"][1].questions if row.problem] == [
        "Answer it first."
    ]
    assert 'name="answer-2-hallucination" value="yes" data-letter="c" checked' in page
    assert answer.context["outputs"][2].place == "3" and "Hm.</textarea>" in page


def test_a_contradiction_is_pointed_out_once_and_may_stand(opened, rubric):
    _, _, post = opened()
    ratings = RATINGS | {"answer-1-overall_quality": 2}

    first = post(**PLACES, **ratings)
    again = post(**PLACES, **ratings, contradiction_seen="yes")

    page = first.content.decode()
    assert first.status_code == 400
    assert "A is placed before B, and you rated it 2 against 5." in page
    assert 'name="contradiction_seen"' in page
    assert again.status_code == 302 and Submission.objects.count() == 1


def test_a_page_opened_before_the_rubric_changed_can_still_be_sent(opened, project, rubric):
    _, _, post = opened()
    actions.publish_rubric(project=project, questions=[OVERALL], author=None)

    post(**PLACES, **RATINGS, **{"answer-0-ambiguous": "yes"}, rubric_version=rubric.public_id)

    assert Submission.objects.get().rubric_version == rubric


@pytest.mark.parametrize("version", ["", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_a_rubric_that_is_not_there_is_the_newest(opened, rubric, version):
    _, _, post = opened()

    post(**PLACES, **RATINGS, rubric_version=version)

    assert Submission.objects.get().rubric_version == rubric


@pytest.mark.parametrize("verdict", ["none_usable", "prompt_problem"])
def test_a_task_is_set_aside_by_a_button_with_reasons(opened, rubric, verdict):
    _, _, post = opened()

    answer = post(verdict=verdict, comment="Not a question.", **{"answer-1-overall_quality": 1})

    submission = Submission.objects.get()
    assert answer.status_code == 302
    assert (submission.verdict, submission.comment) == (verdict, "Not a question.")
    assert not hasattr(submission, "ranking")


def test_an_unknown_verdict_comes_back_with_a_sentence(opened):
    _, _, post = opened()

    answer = post(verdict="boring")

    assert answer.status_code == 400 and "no such verdict" in answer.content.decode()


@pytest.mark.parametrize(("choice", "places"), [("left", [1, 2]), ("right", [2, 1]), ("tie", [1, 1])])
def test_of_two_one_button_is_the_ranking(opened, choice, places):
    assignment, get, post = opened(("alpha", "beta"))
    assert 'name="place-' not in get().content.decode()

    post(choice=choice, strength="2")

    ranking = Submission.objects.get().ranking
    assert [ranking.places[slot - 1] for slot in assignment.display_order] == places
    assert ranking.strength == (None if choice == "tie" else 2)


def test_both_bad_is_no_tie(opened):
    _, _, post = opened(("alpha", "beta"))

    post(verdict="none_usable")

    assert Submission.objects.get().verdict == "none_usable"


def test_what_was_submitted_stands_in_the_page_that_revises_it(opened, rubric):
    _, get, post = opened()
    post(**PLACES, **RATINGS, **{"answer-0-ambiguous": "yes"}, comment="So.")

    answer = get()

    page = answer.content.decode()
    assert [row.place for row in answer.context["outputs"]] == ["1", "2", "3", "4"]
    assert page.count('value="5" checked') == 4
    assert 'name="answer-0-ambiguous" value="yes" data-letter="a" checked' in page
    assert "data-as-before" in page and "So.</textarea>" in page


@pytest.mark.parametrize(
    "draft",
    [
        {"places": [1], "answers": "x", "mode": 7, "comment": None, "rubric_version": {}},
        {"places": {"1": {"a": 1}}, "answers": {"answer-1-overall_quality": [1]}},
        {"answers": {"answer-1-overall_quality": hostile.TOGETHER}},
    ],
)
def test_a_strange_draft_breaks_no_page(opened, rubric, draft):
    assignment, get, _ = opened()
    assignment.draft = draft
    assignment.save()

    assert get().status_code == 200


@pytest.mark.parametrize(
    ("criteria", "words"), [("training", "Helpful first."), ("evaluation", "Truthful and harmless first.")]
)
def test_the_page_says_what_weighs_most(opened, criteria, words):
    Project.objects.update(criteria=criteria)
    _, get, _ = opened()

    assert words in get().content.decode()


def test_texts_are_shown_as_they_were_written_when_asked(opened):
    _, get, _ = opened(("**bold** <script>alert(1)</script>", "beta"))

    page = get(raw="yes").content.decode()

    assert "**bold** &lt;script&gt;" in page and "<strong>bold</strong>" not in page


def test_lengths_are_in_words_and_of_chinese_in_characters(opened):
    _, get, _ = opened(("one two three", "one", "春天来了， 好", ""))

    assert sorted(row.length for row in get().context["outputs"]) == [
        "0 words",
        "1 word",
        "3 words",
        "6 characters",
    ]


def test_two_outputs_are_compared_with_their_differences_marked(opened, client_for, annotator):
    assignment, _, _ = opened(("the red <b>house", "the blue <b>house"))
    address = reverse("compare-outputs", args=[assignment.public_id])
    client = client_for(annotator)

    page = client.get(address).content.decode()
    fragment = client.get(address, {"a": "2", "b": "9"}, headers={"HX-Request": "true"}).content.decode()

    assert "the <mark>red</mark> &lt;b&gt;house" in page and "the <mark>blue</mark>" in page
    assert "<html" not in fragment and "<mark>" not in fragment  # b is unknown: the second beside itself


def test_nobody_compares_the_outputs_of_another(opened, client_for, second_annotator):
    assignment, _, _ = opened()

    address = reverse("compare-outputs", args=[assignment.public_id])
    assert client_for(second_annotator).get(address).status_code == 404
