"""The texts Preceptor ships: the starter project and the prompts of the headless loop."""

import json
import re
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "labeling" / "starter"
PROMPTS = STARTER / "prompts.jsonl"
DEMONSTRATIONS = STARTER / "demonstrations.jsonl"
LOOP_PROMPTS = ROOT / "training" / "loop_prompts.jsonl"

CATEGORIES = {
    "generation",
    "open_qa",
    "brainstorming",
    "chat",
    "rewrite",
    "summarization",
    "classification",
    "closed_qa",
    "extract",
    "other",
}
HAN = re.compile(r"[\u4e00-\u9fff]")
HALF_WIDTH_AFTER_HAN = re.compile(r"[\u4e00-\u9fff”。][,;:?!]")
PERSONAL_DATA = re.compile(r"\S@\S|https?://|www\.|\d[\d ()/-]{6,}\d")


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def normalized(messages: list[dict]) -> str:
    return " ".join(" ".join(m["content"] for m in messages).casefold().split())


def word_count(messages: list[dict]) -> int:
    return sum(len(m["content"].split()) for m in messages)


def han_count(text: str) -> int:
    return len(HAN.findall(text))


def turns(prompt: dict) -> list[str]:
    return [m["role"] for m in prompt["messages"] if m["role"] != "system"]


def splits_by_author(prompts: list[dict]) -> dict[str, set[str]]:
    splits = defaultdict(set)
    for prompt in prompts:
        splits[prompt["author"]].add(prompt["split"])
    return splits


def content_words(prompt: dict) -> set[str]:
    return set(re.findall(r"[a-z0-9']+", normalized(prompt["messages"])))


# Both prompt files


@pytest.mark.parametrize("path", [PROMPTS, LOOP_PROMPTS], ids=lambda path: path.stem)
def test_external_ids_are_numbered_in_file_order(path):
    prefix = "starter" if path == PROMPTS else "loop"

    ids = [prompt["external_id"] for prompt in records(path)]

    assert ids == [f"{prefix}-{number:03d}" for number in range(1, len(ids) + 1)]


@pytest.mark.parametrize("path", [PROMPTS, LOOP_PROMPTS], ids=lambda path: path.stem)
def test_all_ten_categories_occur_and_no_other(path):
    assert {prompt["category"] for prompt in records(path)} == CATEGORIES


@pytest.mark.parametrize("path", [PROMPTS, LOOP_PROMPTS], ids=lambda path: path.stem)
def test_no_author_crosses_a_split(path):
    splits = splits_by_author(records(path))

    assert {author for author, of_author in splits.items() if len(of_author) > 1} == set()
    assert set().union(*splits.values()) == {"train", "valid", "test"}


@pytest.mark.parametrize("path", [PROMPTS, LOOP_PROMPTS], ids=lambda path: path.stem)
def test_every_conversation_alternates_and_ends_with_the_user(path):
    for prompt in records(path):
        roles = turns(prompt)
        expected = ["user", "assistant"] * (len(roles) // 2) + ["user"]

        assert roles == expected, prompt["external_id"]
        assert all(m["content"] == m["content"].strip() != "" for m in prompt["messages"])


@pytest.mark.parametrize("path", [PROMPTS, LOOP_PROMPTS, DEMONSTRATIONS], ids=lambda path: path.stem)
def test_no_text_holds_an_address_or_a_long_number(path):
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if PERSONAL_DATA.search(line)] == []


def test_no_two_prompts_are_the_same_in_either_file():
    texts = Counter(
        normalized(prompt["messages"]) for path in (PROMPTS, LOOP_PROMPTS) for prompt in records(path)
    )

    assert [text for text, times in texts.items() if times > 1] == []


# The starter project


def test_a_starter_prompt_has_exactly_the_documented_fields():
    fields = {"external_id", "author", "source", "category", "language", "split", "messages"}

    assert all(set(prompt) == fields for prompt in records(PROMPTS))
    assert {prompt["source"] for prompt in records(PROMPTS)} == {"plain", "few_shot", "user_based"}
    assert {prompt["language"] for prompt in records(PROMPTS)} == {"en", "zh"}


def test_at_least_seven_authors_wrote_at_least_66_starter_prompts():
    prompts = records(PROMPTS)

    assert len(prompts) >= 66
    assert len({prompt["author"] for prompt in prompts}) >= 7


def test_one_starter_author_is_held_out_for_valid_and_one_for_test():
    authors = Counter(
        split for of_author in splits_by_author(records(PROMPTS)).values() for split in of_author
    )

    assert authors["valid"] == 1
    assert authors["test"] == 1


def test_generation_is_the_largest_category_of_the_starter():
    assert Counter(prompt["category"] for prompt in records(PROMPTS)).most_common(1)[0][0] == "generation"


def test_at_least_ten_starter_prompts_by_two_authors_are_chinese():
    chinese = [prompt for prompt in records(PROMPTS) if prompt["language"] == "zh"]

    assert len(chinese) >= 10
    assert len({prompt["author"] for prompt in chinese}) >= 2


def test_the_language_of_a_starter_prompt_is_the_one_it_is_written_in():
    for prompt in records(PROMPTS):
        written_in_han = han_count(normalized(prompt["messages"])) > 0

        assert written_in_han == (prompt["language"] == "zh"), prompt["external_id"]


def test_at_least_six_starter_prompts_each_are_few_shot_user_based_and_multi_turn():
    prompts = records(PROMPTS)
    sources = Counter(prompt["source"] for prompt in prompts)

    assert sources["few_shot"] >= 6
    assert sources["user_based"] >= 6
    assert sum(len(turns(prompt)) > 1 for prompt in prompts) >= 6


def test_starter_prompts_are_short():
    english = [word_count(p["messages"]) for p in records(PROMPTS) if p["language"] == "en"]
    chinese = [han_count(normalized(p["messages"])) for p in records(PROMPTS) if p["language"] == "zh"]

    assert 10 <= min(english) and max(english) <= 150
    assert sum(words <= 60 for words in english) >= 0.9 * len(english)
    assert 15 <= min(chinese) and max(chinese) <= 150


def test_the_first_twelve_starter_prompts_are_short_varied_english_single_turns():
    first = records(PROMPTS)[:12]

    assert all(prompt["language"] == "en" and len(prompt["messages"]) == 1 for prompt in first)
    assert max(word_count(prompt["messages"]) for prompt in first) <= 45
    assert len({prompt["category"] for prompt in first}) >= 6
    assert len({prompt["author"] for prompt in first}) >= 6


# Demonstrations


def test_every_demonstration_answers_its_own_train_prompt():
    split = {prompt["external_id"]: prompt["split"] for prompt in records(PROMPTS)}
    answered = [demonstration["external_id"] for demonstration in records(DEMONSTRATIONS)]

    assert len(answered) == len(set(answered)) >= 14
    assert {split[external_id] for external_id in answered} == {"train"}


def test_demonstrations_come_from_two_or_three_annotators_who_wrote_no_prompts():
    annotators = {demonstration["author"] for demonstration in records(DEMONSTRATIONS)}

    assert len(annotators) in (2, 3)
    assert annotators.isdisjoint({prompt["author"] for prompt in records(PROMPTS)})


def test_two_or_three_demonstrations_are_chinese_as_their_prompts_are():
    language = {prompt["external_id"]: prompt["language"] for prompt in records(PROMPTS)}
    demonstrations = records(DEMONSTRATIONS)

    for demonstration in demonstrations:
        written_in_han = han_count(demonstration["completion"]) > 0
        assert written_in_han == (language[demonstration["external_id"]] == "zh")
    assert sum(language[d["external_id"]] == "zh" for d in demonstrations) in (2, 3)


def test_a_demonstration_has_40_to_120_words():
    for demonstration in records(DEMONSTRATIONS):
        text = demonstration["completion"]
        length = han_count(text) or len(text.split())

        assert 40 <= length <= 120, demonstration["external_id"]


# Guidelines


def test_the_english_guidelines_fit_on_one_screen():
    words = (STARTER / "guidelines.en.md").read_text(encoding="utf-8").split()

    assert 350 <= len(words) <= 500


def test_the_chinese_guidelines_have_the_sections_and_points_of_the_english_ones():
    def outline(language: str) -> list[str]:
        text = (STARTER / f"guidelines.{language}.md").read_text(encoding="utf-8")
        return re.findall(r"^(?:#+|-|\d\.)(?= )", text, flags=re.MULTILINE)

    assert outline("zh") == outline("en")
    assert outline("en").count("##") == 5


def test_guidelines_start_their_headings_at_level_two():
    for language in ("en", "zh"):
        text = (STARTER / f"guidelines.{language}.md").read_text(encoding="utf-8")

        assert text.startswith("## ")
        assert not re.search(r"^# ", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "path", [PROMPTS, DEMONSTRATIONS, STARTER / "guidelines.zh.md"], ids=lambda path: path.name
)
def test_chinese_texts_use_chinese_punctuation(path):
    text = path.read_text(encoding="utf-8")

    assert HALF_WIDTH_AFTER_HAN.findall(text) == []


# The prompts of the headless loop


def test_a_loop_prompt_has_exactly_the_documented_fields():
    fields = {"external_id", "author", "split", "category", "messages"}

    assert all(set(prompt) == fields for prompt in records(LOOP_PROMPTS))


def test_the_330_loop_prompts_split_into_165_62_and_103():
    splits = Counter(prompt["split"] for prompt in records(LOOP_PROMPTS))

    assert splits == {"train": 165, "valid": 62, "test": 103}


def test_eleven_authors_wrote_about_thirty_loop_prompts_each():
    authors = Counter(prompt["author"] for prompt in records(LOOP_PROMPTS))

    assert len(authors) == 11
    assert 27 <= min(authors.values()) and max(authors.values()) <= 35


def test_every_split_of_the_loop_has_every_category():
    seen = {(prompt["split"], prompt["category"]) for prompt in records(LOOP_PROMPTS)}

    assert seen == {(split, category) for split in ("train", "valid", "test") for category in CATEGORIES}


def test_a_loop_prompt_is_one_user_message_of_6_to_30_english_words():
    for prompt in records(LOOP_PROMPTS):
        assert [m["role"] for m in prompt["messages"]] == ["user"]
        assert 6 <= word_count(prompt["messages"]) <= 30, prompt["external_id"]
        assert han_count(prompt["messages"][0]["content"]) == 0


def test_no_loop_prompt_is_nearly_another():
    words = [(prompt["external_id"], content_words(prompt)) for prompt in records(LOOP_PROMPTS)]

    close = [(one, other) for (one, a), (other, b) in combinations(words, 2) if len(a & b) > 0.6 * len(a | b)]

    assert close == []
