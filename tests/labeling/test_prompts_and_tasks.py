import pytest
from django.db import IntegrityError, transaction

from labeling import actions
from labeling.errors import Conflict, DomainError
from labeling.models import Prompt, Task
from tests.making import make_author, make_prompt, make_ranking_task

pytestmark = pytest.mark.django_db


def test_the_same_prompt_enters_a_project_once(project):
    make_prompt(project, "How do  bees\nfly?")

    with pytest.raises(Conflict, match="already"):
        make_prompt(project, "how do bees fly?")


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "ends with a turn of the user"),
        ([{"role": "assistant", "content": "Hello"}], "ends with a turn of the user"),
        ([{"role": "robot", "content": "x"}, {"role": "user", "content": "x"}], "role 'robot'"),
        ([{"role": "user", "content": "  "}], "Turn 1 is empty"),
        ([{"role": "user", "content": "a\x00b"}], "NUL"),
    ],
)
def test_a_malformed_conversation_is_refused(project, messages, words):
    with pytest.raises(DomainError, match=words):
        actions.add_prompt(project=project, messages=messages, author=make_author())

    assert Prompt.objects.count() == 0


def test_an_unknown_split_is_refused_with_the_allowed_ones(project):
    with pytest.raises(DomainError, match="train, valid, test"):
        make_prompt(project, split="dev")


def test_equal_outputs_share_one_place_in_the_slate(project):
    task = make_ranking_task(project, ["same", "other", "same ", "same"])

    assert [slot.completion.text for slot in task.slots.all()] == ["same", "other"]


def test_near_identical_outputs_share_one_place_in_the_slate(project):
    words = " ".join(f"word{letter}" for letter in "abcdefghijklmnopqrstuvwxyz" * 2)

    task = make_ranking_task(project, [words, f"**{words}**.", f"{words} again", "other"])

    assert [slot.completion.text for slot in task.slots.all()] == [words, "other"]


def test_outputs_that_are_all_equal_open_no_task(project):
    prompt = make_prompt(project)
    completions = [actions.add_completion(prompt=prompt, text="same") for _ in range(4)]

    assert actions.open_ranking_task(prompt=prompt, completions=completions) is None


def test_an_output_of_another_prompt_is_refused(project):
    foreign = actions.add_completion(prompt=make_prompt(project), text="x")
    prompt = make_prompt(project)

    with pytest.raises(DomainError, match="its own prompt"):
        actions.open_ranking_task(
            prompt=prompt, completions=[foreign, actions.add_completion(prompt=prompt, text="y")]
        )


def test_the_database_itself_refuses_more_seats_than_wanted(project):
    task = make_ranking_task(project)

    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.filter(pk=task.pk).update(seats_taken=2)
