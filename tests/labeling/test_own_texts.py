"""Nobody judges what they wrote; who only wrote the prompt may."""

import pytest
from django.urls import reverse

from labeling import actions, queries
from labeling.history_queries import Why, why_nothing
from labeling.manager_queries import seats_of
from labeling.models import Assignment, AssignmentStatusChange, Completion, User
from tests.making import make_author, make_demonstration_task, make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


def claim(user, project, kind="rank"):
    return actions.claim_task(user=user, project=project, kind=kind)


def slate_with_an_answer_by(author, project, **fields):
    """A ranking task in which one of the outputs was written by this person."""
    prompt = make_prompt(project)
    outputs = [
        actions.add_completion(prompt=prompt, text=text, origin=origin, author=writer)
        for text, origin, writer in (
            ("By a model.", Completion.Origin.POLICY, None),
            ("By a person.", Completion.Origin.PERSON, author),
        )
    ]
    return actions.open_ranking_task(prompt=prompt, completions=outputs, **fields)


def test_a_task_with_ones_own_text_goes_to_others_only(project, annotator, second_annotator):
    task = slate_with_an_answer_by(annotator, project, priority=9)
    other = make_ranking_task(project)

    assert queries.tasks_waiting_for(annotator, project, "rank") == 1
    assert claim(annotator, project).task == other
    assert actions.reserve_task(user=annotator, project=project, kind="rank") is None
    assert claim(second_annotator, project).task == task


def test_a_demonstration_that_is_ranked_later_is_its_writers_own(project, annotator, second_annotator):
    make_demonstration_task(project)
    written = claim(annotator, project, "demonstrate")
    submission = actions.submit_demonstration(assignment=written, text="Mine.", idempotency_key="k")
    prompt = written.task.prompt
    output = actions.add_completion(prompt=prompt, text="A model's.")
    task = actions.open_ranking_task(prompt=prompt, completions=[output, submission.demonstration.completion])

    assert claim(annotator, project) is None
    assert claim(second_annotator, project).task == task


def test_the_author_of_a_prompt_answers_it_and_ranks_what_others_answered(project, annotator):
    prompt = make_prompt(project, author=annotator)
    writing = actions.open_demonstration_task(prompt=prompt)
    ranking = make_ranking_task(project, prompt=prompt)

    assert claim(annotator, project, "demonstrate").task == writing
    assert claim(annotator, project, "rank").task == ranking


def test_a_seat_reserved_for_another_is_not_taken_for_ones_own_text(project, annotator, second_annotator):
    make_ranking_task(project)
    slate_with_an_answer_by(annotator, project)
    claim(second_annotator, project)
    assert actions.reserve_task(user=second_annotator, project=project, kind="rank") is not None

    assert queries.tasks_waiting_for(annotator, project, "rank") == 0
    assert claim(annotator, project) is None


def test_imported_authors_leave_no_row(project):
    slate_with_an_answer_by(make_author(), project)

    assert not Assignment.objects.exists()


def test_the_row_holds_no_seat_and_its_history_says_why(project, annotator):
    task = slate_with_an_answer_by(annotator, project)

    row = Assignment.objects.get()
    assert (row.user, row.status, row.holds_seat, task.seats_taken) == (annotator, "wrote", False, 0)
    assert list(AssignmentStatusChange.objects.values_list("from_status", "to_status", "actor")) == [
        ("", "wrote", annotator.pk)
    ]


def test_the_reason_is_said(client_for, project, annotator):
    slate_with_an_answer_by(annotator, project)

    assert why_nothing(annotator, project, "rank") == Why("barred")
    page = client_for(annotator).get(reverse("nothing-to-do", args=[project.public_id, "rank"]))
    assert "You wrote one of the outputs of what is left" in page.content.decode()


def test_the_manager_of_a_blind_task_is_not_told_who_wrote_an_output(client_for, project, annotator, manager):
    task = slate_with_an_answer_by(annotator, project)

    assert not seats_of(task).exists()
    page = client_for(manager).get(reverse("manage-task", args=[task.public_id]))
    assert annotator.name not in page.content.decode()


def test_whoever_writes_and_is_a_program_is_barred_too(project):
    service = actions.add_person(email="bot@example.org", name="Bot", kind=User.Kind.SERVICE)
    slate_with_an_answer_by(service, project)

    assert Assignment.objects.get().user == service
