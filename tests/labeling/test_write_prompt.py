"""Taking in prompts that people write: what is refused, what is pointed out, and never anything twice."""

import threading

import pytest
from django.db import connection

from labeling import actions
from labeling.actions import WorthALook
from labeling.errors import Conflict, DomainError
from labeling.models import Prompt, PromptDraft, Task
from labeling.prompt_kinds import Pair, WrittenPrompt
from tests.making import make_prompt

pytestmark = pytest.mark.django_db

PLAIN = WrittenPrompt("plain", text="  Name three rivers in Europe. ")
FEW_SHOT = WrittenPrompt(
    "few_shot",
    instruction="Give the sentiment of a tweet.",
    pairs=(Pair("I love it", "positive"), Pair("", ""), Pair("Never again", "negative")),
    query="It works",
)
USER_BASED = WrittenPrompt("user_based", use_case="A baker plans the week.", text="Plan my week's baking.")


def write(project, author, written=PLAIN, key="k", language="en", **more):
    return actions.write_prompt(
        project=project,
        author=author,
        written=written,
        category="chat",
        language=language,
        idempotency_key=key,
        **more,
    )


def refusal(project, author, written=PLAIN, **more):
    with pytest.raises(DomainError) as refused:
        write(project, author, written, **more)
    assert not Prompt.objects.filter(author=author).exists()
    return refused.value


def test_a_plain_prompt_is_its_writer_s_and_says_its_kind(project, annotator):
    prompt = write(project, annotator)

    assert prompt.messages == [{"role": "user", "content": "Name three rivers in Europe."}]
    assert (prompt.author, prompt.source, prompt.category, prompt.language) == (
        annotator,
        "plain",
        "chat",
        "en",
    )
    assert prompt.metadata == {}


def test_a_few_shot_prompt_is_one_turn_and_keeps_its_parts(project, annotator):
    prompt = write(project, annotator, FEW_SHOT)

    assert prompt.messages[0]["content"] == (
        "Give the sentiment of a tweet.\n\n"
        "Query: I love it\nResponse: positive\n\n"
        "Query: Never again\nResponse: negative\n\n"
        "Query: It works\nResponse:"
    )
    assert prompt.source == "few_shot"
    assert prompt.metadata == {
        "instruction": "Give the sentiment of a tweet.",
        "pairs": [
            {"query": "I love it", "response": "positive"},
            {"query": "Never again", "response": "negative"},
        ],
        "query": "It works",
    }


def test_in_chinese_the_parts_have_chinese_names(project, annotator):
    project.languages = ["zh"]
    written = WrittenPrompt(
        "few_shot", instruction="判断情感。", pairs=(Pair("好", "正面"), Pair("差", "负面")), query="还行"
    )

    prompt = write(project, annotator, written, language="zh")

    assert prompt.messages[0]["content"].endswith("问题：还行\n回答：")


def test_a_user_based_prompt_keeps_its_use_case(project, annotator):
    prompt = write(project, annotator, USER_BASED)

    assert (prompt.source, prompt.messages[0]["content"]) == ("user_based", "Plan my week's baking.")
    assert prompt.metadata == {"use_case": "A baker plans the week."}


@pytest.mark.parametrize(
    "written, fields",
    [
        (WrittenPrompt("plain", text=" \n"), {"prompt"}),
        (WrittenPrompt("user_based", text="Plan."), {"use_case"}),
        (WrittenPrompt("few_shot"), {"instruction", "pairs", "query"}),
        (WrittenPrompt("few_shot", instruction="i", pairs=(Pair("q", "r"),), query="q"), {"pairs"}),
        (
            WrittenPrompt("few_shot", instruction="i", pairs=(Pair("q", "r"), Pair("q", " ")), query="q"),
            {"pairs"},
        ),
        (WrittenPrompt("few_shot", instruction="i", pairs=(Pair("q", "r"),) * 21, query="q"), {"pairs"}),
    ],
)
def test_what_is_incomplete_is_refused_by_field(project, annotator, written, fields):
    assert set(refusal(project, annotator, written).fields) == fields


def test_kinds_languages_and_categories_are_the_project_s(project, annotator):
    assert refusal(project, annotator, WrittenPrompt("import", text="Hm.")).code == "bad_kind"
    assert refusal(project, annotator, language="fr").code == "bad_language"
    assert refusal(project, annotator, WrittenPrompt("plain", text="a\x00b")).code == "bad_character"


def test_a_paused_project_takes_none_in(project, annotator):
    actions.pause_project(project=project, reason="We count.")
    project.refresh_from_db()

    assert refusal(project, annotator).code == "paused"


def test_the_same_key_twice_is_one_prompt(project, annotator):
    first = write(project, annotator)

    assert write(project, annotator, WrittenPrompt("plain", text="Quite another.")) == first
    assert Prompt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_is_one_prompt(project, annotator):
    made = []

    def click():
        made.append(write(project, annotator).pk)
        connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()

    assert made == [Prompt.objects.get().pk] * 2


def test_the_very_same_prompt_is_refused_whoever_wrote_it_and_whatever_was_looked_at(project, annotator):
    make_prompt(project, "name three rivers   in europe.")

    with pytest.raises(Conflict, match="has this prompt already"):
        write(project, annotator, looked_at="whatever")

    assert Prompt.objects.count() == 1


def test_what_is_nearly_the_same_is_shown_once_and_may_stand(project, annotator):
    known = make_prompt(project, "Name three long rivers in Europe.")

    seen = refusal(project, annotator)
    assert isinstance(seen, WorthALook)
    assert [one.prompt for one in seen.similar] == [known]

    assert write(project, annotator, looked_at=seen.looked_at).author == annotator


def test_personal_data_is_shown_once_and_may_stand_once_confirmed(project, annotator):
    written = WrittenPrompt("user_based", use_case="Ada, ada@example.org, asks.", text="Plan my week.")

    seen = refusal(project, annotator, written)
    assert [seen.text[one.start : one.end] for one in seen.personal] == ["ada@example.org"]

    assert write(project, annotator, written, looked_at=seen.looked_at).author == annotator


def test_a_text_that_was_changed_after_the_look_is_looked_at_again(project, annotator):
    seen = refusal(project, annotator, WrittenPrompt("plain", text="Write to ada@example.org."))

    again = refusal(
        project,
        annotator,
        WrittenPrompt("plain", text="Write to ben@example.org."),
        looked_at=seen.looked_at,
    )

    assert isinstance(again, WorthALook)


def test_all_prompts_of_a_writer_are_in_one_split(project, person):
    writers = [person(f"Writer{n}", "annotator", project=project) for n in range(30)]
    for writer in writers:
        for word in ("Zebra", "Quartz"):
            write(project, writer, WrittenPrompt("plain", text=f"{word}{writer.pk}"), key=word)

    splits = [set(w.prompts.values_list("split", flat=True)) for w in writers]
    assert all(len(split) == 1 for split in splits)
    assert len(set.union(*splits)) > 1


def test_a_writer_stays_in_the_split_that_earlier_prompts_are_in(project, annotator):
    make_prompt(project, author=annotator, split="test")

    assert write(project, annotator).split == "test"
    assert not Task.objects.exists()


def test_in_the_train_split_somebody_is_asked_for_the_answer(project, annotator):
    make_prompt(project, author=annotator, split="train")

    prompt = write(project, annotator)

    assert [(task.prompt, task.kind) for task in Task.objects.all()] == [(prompt, "demonstrate")]


def test_the_draft_goes_with_the_prompt_and_one_saved_later_elsewhere_stays(project, annotator):
    saved = actions.save_prompt_draft(user=annotator, project=project, content={"prompt": "a"}, version=0)
    write(project, annotator, draft_version=saved)
    draft = PromptDraft.objects.get()
    assert (draft.content, draft.version) == ({}, 2)

    actions.save_prompt_draft(user=annotator, project=project, content={"prompt": "b"}, version=2)
    write(project, annotator, WrittenPrompt("plain", text="Another."), key="other", draft_version=2)
    assert PromptDraft.objects.get().content == {"prompt": "b"}


def test_a_draft_behind_another_window_is_refused(project, annotator):
    actions.save_prompt_draft(user=annotator, project=project, content={"prompt": "new"}, version=0)

    with pytest.raises(Conflict, match="newer draft"):
        actions.save_prompt_draft(user=annotator, project=project, content={"prompt": "old"}, version=0)

    assert PromptDraft.objects.get().content == {"prompt": "new"}
