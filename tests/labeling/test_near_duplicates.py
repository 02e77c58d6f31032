import pytest

from labeling import actions
from labeling.near_duplicates import similar_prompts
from tests.making import make_prompt

pytestmark = pytest.mark.django_db

POEM = "Write a short poem about the harbour of a small town in autumn."


def likenesses(project, text):
    return [(one.text, round(one.likeness, 2)) for one in similar_prompts(project, text)]


def test_one_word_changed_is_nearly_the_same(project):
    make_prompt(project, POEM)
    make_prompt(project, "Name three rivers.")

    assert likenesses(project, POEM.replace("autumn", "winter")) == [(POEM, 0.85)]


def test_case_and_signs_make_no_difference(project):
    make_prompt(project, POEM)

    assert likenesses(project, POEM.upper().rstrip(".") + "!!") == [(POEM, 1.0)]


def test_the_same_topic_in_other_words_is_another_prompt(project):
    make_prompt(project, POEM)

    assert likenesses(project, "Describe a harbour town in autumn to somebody who has never seen one.") == []


def test_in_chinese_characters_are_compared(project):
    make_prompt(project, "请写一首关于秋天港口小城的短诗。", language="zh")

    assert likenesses(project, "请写一首关于冬天港口小城的短诗。") == [
        ("请写一首关于秋天港口小城的短诗。", 0.75)
    ]
    assert likenesses(project, "天空为什么是蓝色的？") == []


def test_another_project_s_prompts_are_not_told(project):
    make_prompt(actions.create_project(name="Another", creator=None), POEM)

    assert likenesses(project, POEM) == []


def test_the_most_alike_comes_first_and_three_are_enough(project):
    for word in ("winter", "spring", "summer", "June"):
        make_prompt(project, POEM.replace("autumn", word))
    make_prompt(project, POEM + " Please.")

    found = likenesses(project, POEM)

    assert len(found) == 3
    assert found[0] == (POEM + " Please.", 0.92)


@pytest.mark.parametrize("text", ["…", "?!", "_ _", "a' | b & !c \\ :*", "x" * 5000, "天", "Why?"])
def test_any_text_can_be_asked_for(project, text):
    make_prompt(project, POEM)

    assert similar_prompts(project, text) == []
