import pytest

from labeling import actions
from labeling.errors import DomainError
from labeling.models import Completion, Submission, Task
from tests.making import make_demonstration_task, make_prompt

pytestmark = pytest.mark.django_db


@pytest.fixture
def assignment(project, annotator):
    make_demonstration_task(project)
    return actions.claim_task(user=annotator, project=project, kind="demonstrate")


def test_the_text_becomes_a_completion_of_its_writer(assignment, annotator):
    submission = actions.submit_demonstration(
        assignment=assignment, text="A good answer.", idempotency_key="k"
    )

    completion = submission.demonstration.completion
    assert (completion.text, completion.origin, completion.author) == ("A good answer.", "person", annotator)


def test_an_empty_text_is_refused_and_nothing_is_written(assignment):
    with pytest.raises(DomainError, match="Write an answer first"):
        actions.submit_demonstration(assignment=assignment, text=" \n ", idempotency_key="k")

    assert Submission.objects.count() == 0
    assert Completion.objects.count() == 0


def test_the_same_key_twice_is_one_demonstration(assignment):
    for text in ("first", "second"):
        actions.submit_demonstration(assignment=assignment, text=text, idempotency_key="k")

    assert [c.text for c in Completion.objects.all()] == ["first"]


def test_an_imported_demonstration_answers_its_task_and_comes_in_once(project, annotator):
    prompt = make_prompt(project)
    for _ in range(2):
        submission = actions.import_demonstration(prompt=prompt, author=annotator, text="Written elsewhere.")

    assert submission.origin == "import"
    assert Submission.objects.count() == 1
    assert Task.objects.get().status == "complete"
    assert actions.claim_task(user=annotator, project=project, kind="demonstrate") is None


def test_a_draft_behind_another_window_is_refused(assignment):
    actions.save_draft(assignment=assignment, draft={"text": "new"}, version=0)

    with pytest.raises(DomainError, match="newer draft"):
        actions.save_draft(assignment=assignment, draft={"text": "old"}, version=0)

    assignment.refresh_from_db()
    assert assignment.draft == {"text": "new"}
