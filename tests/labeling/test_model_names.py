import pytest

from labeling import actions
from labeling.model_names import names_in, passage_naming_its_model
from labeling.models import Completion
from tests.making import make_prompt, make_ranking_task


@pytest.mark.parametrize(
    ("text", "passage"),
    [
        ("Hello! I am ChatGPT, a model.", "I am ChatGPT"),
        ("Sure.\nI'm an assistant called Qwen2.5-7B, ask me.", "I'm an assistant called Qwen2.5-7B"),
        ("As Claude, I would rather not.", "As Claude, I"),
        ("I am a language model  trained by OpenAI.", "I am a language model trained by OpenAI"),
        ("你好，我是通义千问。", "我是通义千问"),
        ("我是由百度开发的助手。", "我是由百度开发"),
    ],
)
def test_a_text_that_speaks_of_itself_as_a_model_is_found(text, passage):
    assert passage_naming_its_model(text, []) == passage


@pytest.mark.parametrize(
    "text",
    [
        "ChatGPT was released in 2022 by OpenAI.",
        "As an AI language model, I cannot smell.",
        "I am fond of llamas? No. Claude Monet painted water lilies.",
        "我喜欢百度地图。",
    ],
)
def test_a_text_about_models_is_left_alone(text):
    assert passage_naming_its_model(text, []) == ""


def test_a_name_of_the_project_s_own_is_found_anywhere():
    assert passage_naming_its_model("Made with smollm2, said a friend.", ["SmolLM"]) == "smollm2"
    assert passage_naming_its_model("A plain answer.", ["SmolLM"]) == ""


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("SmolLM2-135M-Instruct", ["SmolLM2-135M-Instruct", "SmolLM"]),
        ("policy", []),
        ("Our best policy", []),
        ("", []),
    ],
)
def test_an_ordinary_word_is_no_name_of_a_model(label, names):
    assert names_in(label) == names


@pytest.mark.django_db
def test_an_output_that_names_its_model_is_flagged_as_it_comes_in(project):
    actions.add_model_names(project=project, label="SmolLM2-135M")
    project.refresh_from_db()

    task = make_ranking_task(project, ["I am SmolLM2-135M.", "A plain answer."])

    assert [slot.completion.names_model for slot in task.slots.all()] == ["I am SmolLM2-135M.", ""]


@pytest.mark.django_db
def test_what_a_person_writes_is_not_searched(project):
    author = actions.add_person(email="a@example.org", name="A")

    written = actions.add_completion(
        prompt=make_prompt(project), text="I am ChatGPT.", origin=Completion.Origin.PERSON, author=author
    )

    assert written.names_model == ""


@pytest.mark.django_db
def test_the_names_of_a_model_are_added_once(project):
    for _ in range(2):
        actions.add_model_names(project=project, label="SmolLM2-135M")
    project.refresh_from_db()

    assert project.model_names == ["SmolLM2-135M", "SmolLM"]
