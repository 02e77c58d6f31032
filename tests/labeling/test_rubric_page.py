import pytest
from django.urls import reverse

from labeling import actions
from labeling.errors import DomainError
from labeling.models import RubricVersion
from labeling.rubrics.presets import PRESETS
from labeling.rubrics.questions import Option, Question, check_questions, letters_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(client_for, manager, project):
    """Sends the form as the browser would, with the questions of the page that was answered before."""
    client = client_for(manager)
    address = reverse("manage-rubric", args=[project.public_id])
    shown = client.get(address)

    def fields():
        sent = {}
        for row in shown.context["rows"]:
            prefix, question = f"q-{row.number}-", row.question
            sent |= {
                f"{prefix}kind": question.kind,
                f"{prefix}per": question.per,
                f"{prefix}key": question.key,
            }
            sent |= {f"{prefix}name-{code}": text for code, text in row.names}
            sent |= {f"{prefix}help-{code}": text for code, text in row.helps}
            if question.kind == "choice":
                sent |= {f"{prefix}options-{code}": text for code, text in row.options}
            if question.kind == "scale":
                sent |= {f"{prefix}low": question.low, f"{prefix}high": question.high}
            if question.is_required:
                sent[f"{prefix}required"] = "yes"
        return sent

    def post(do, **changes):
        nonlocal shown
        data = fields() | {name.replace("__", "-"): value for name, value in changes.items()} | {"do": do}
        answer = client.post(address, data)
        shown = answer if answer.status_code != 302 else client.get(address)
        return answer

    return post


def keys(answer):
    return [row.question.key for row in answer.context["rows"]]


def test_a_preset_is_published_whole_and_the_page_shows_it_again(send, project, manager):
    chosen = send("preset:instructgpt")
    assert RubricVersion.objects.count() == 0
    published = send("publish")

    version = RubricVersion.objects.get()
    assert chosen.status_code == 200 and published.status_code == 302
    assert version.asked == PRESETS["instructgpt"]
    assert (version.number, version.author) == (1, manager)


def test_questions_are_added_named_moved_and_removed(send, project):
    send("add:scale")
    send("add:choice", q__0__name__en="Overall quality")
    moved = send("up:1", q__1__name__en="Tone", q__1__options__en="Kind\ncold: Cold as ice\n\nRude!")
    assert keys(moved) == ["tone", "overall_quality"]
    send("add:flag", q__0__per="prompt")
    send("remove:1", q__2__name__en="Unclear")

    send("publish")

    first, second = RubricVersion.objects.get().asked
    assert (first.key, first.kind, first.per) == ("tone", "choice", "prompt")
    assert first.options == (
        Option("kind", {"en": "Kind"}),
        Option("cold", {"en": "Cold as ice"}),
        Option("rude", {"en": "Rude!"}),
    )
    assert (second.key, second.kind) == ("unclear", "flag")


def test_a_change_is_a_new_version_and_the_same_again_is_none(send, project):
    send("preset:overall")
    send("publish")
    send("publish")
    send("publish", q__0__name__en="Quality")

    assert [v.number for v in RubricVersion.objects.order_by("number")] == [1, 2]
    assert RubricVersion.objects.get(number=1).asked == PRESETS["overall"]


def test_a_rubric_can_be_emptied_again_but_the_first_has_questions(send, project):
    refused = send("publish")
    send("preset:overall")
    send("publish")
    send("remove:0")
    send("publish")

    assert refused.status_code == 400 and "Add a question first" in refused.content.decode()
    assert RubricVersion.objects.get(number=2).asked == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"q__0__name__en": " "}, "Write its name in the language en"),
        ({"q__0__key": "Ö!"}, "is no key"),
        ({"q__0__low": "7", "q__0__high": "3"}, "A scale goes from a digit to a greater one"),
        ({"q__0__high": "10"}, "A scale goes from a digit to a greater one"),
        ({"q__0__name__en": "x" * 121}, "The name is too long"),
    ],
)
def test_what_nobody_could_answer_is_refused_beside_the_question(send, changes, words):
    send("preset:overall")

    answer = send("publish", **changes)

    assert answer.status_code == 400
    assert words in answer.context["rows"][0].problem
    assert answer.context["rows"][0].is_open
    assert RubricVersion.objects.count() == 0


def question(**fields):
    usual = {"key": "a", "kind": "flag", "per": "completion", "name": {"en": "A"}, "help": {}}
    return Question(**(usual | fields))


@pytest.mark.parametrize(
    ("questions", "number"),
    [
        ([question(), question()], "1"),
        ([question(kind="choice", options=(Option("a", {"en": "A"}),))], "0"),
        ([question(kind="choice", options=(Option("a", {"en": "A"}), Option("a", {"en": "B"})))], "0"),
        ([question(kind="choice", options=(Option("a", {"en": "A"}), Option("b", {"zh": "B"})))], "0"),
        ([question(kind="song")], "0"),
        ([question(key=f"q{n}") for n in range(41)], "40"),
    ],
)
def test_the_rules_of_a_rubric(questions, number):
    with pytest.raises(DomainError) as refusal:
        check_questions(questions, language="en")

    assert list(refusal.value.fields) == [number]


def test_a_name_in_another_script_gives_a_numbered_key(send, project):
    project.languages = ["zh"]
    project.save()
    send("add:flag")
    answer = send("add:flag", q__0__name__zh="有歧义")

    assert keys(answer)[0] == "question"


def test_letters_of_flags_are_none_of_the_pages_own_keys():
    letters = letters_of(PRESETS["instructgpt"])

    assert letters["fails_task"] == letters["ambiguous"] == "a"
    assert not set(letters.values()) & set("gmqrsuv")


def test_the_form_shows_hostile_names_as_text(send):
    evil = "<script>alert(1)</script>\"'{{ 7 }}"
    send("preset:overall")

    page = send("preview", q__0__name__en=evil, q__0__help__en=evil).content.decode()

    assert "<script>alert" not in page and page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_a_nul_character_is_refused(project):
    with pytest.raises(DomainError, match="NUL"):
        actions.publish_rubric(project=project, questions=[question(name={"en": "a\x00"})], author=None)


def test_the_page_of_a_version_shows_it_as_annotators_saw_it(client_for, manager, project):
    version = actions.publish_rubric(project=project, questions=PRESETS["instructgpt"], author=manager)

    page = client_for(manager).get(reverse("rubric-version", args=[version.public_id])).content.decode()

    assert "Denigrates a protected class" in page and "Requests advice" in page


def test_annotators_do_not_build_rubrics(client_for, annotator, project):
    address = reverse("manage-rubric", args=[project.public_id])

    assert client_for(annotator).post(address, {"do": "publish"}).status_code == 404
