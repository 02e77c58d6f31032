"""The page on which prompts are written, without its script."""

import json

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Prompt, PromptDraft
from tests.making import make_prompt

pytestmark = pytest.mark.django_db

FEW_SHOT = {
    "kind": "few_shot",
    "category": "classification",
    "language": "en",
    "prompt": "Left over",
    "use_case": "",
    "instruction": "Give the <sentiment>.",
    "pair_query": ["I love it", "Never again"],
    "pair_response": ["positive", "negative"],
    "query": "It works",
    "idempotency_key": "k",
}


@pytest.fixture
def client(client_for, annotator):
    return client_for(annotator)


@pytest.fixture
def address(project):
    return reverse("write-prompt", args=[project.public_id])


def save(client, project, **body):
    address = reverse("prompt-draft", args=[project.public_id])
    return client.post(address, json.dumps(body), content_type="application/json")


def test_a_prompt_is_taken_in_and_the_page_has_room_for_the_next(client, address, annotator):
    answer = client.post(address, FEW_SHOT, follow=True)

    page = answer.content.decode()
    assert Prompt.objects.get().author == annotator
    assert "The prompt is taken in." in page and "1 prompt written" in page
    assert "Give the" not in page


def test_a_row_of_a_pair_is_added_and_removed_and_all_that_was_entered_stays(client, address):
    page = client.post(address, FEW_SHOT | {"do": "add"}).content.decode()
    assert page.count('name="pair_query"') == 3
    assert "Give the &lt;sentiment&gt;.</textarea>" in page and ">Left over</textarea>" in page

    pairs = {"pair_query": ["I love it", "", "Never again"], "pair_response": ["positive", "", "negative"]}
    page = client.post(address, FEW_SHOT | pairs | {"do": "remove:1"}).content.decode()

    assert page.count('name="pair_query"') == 2
    assert "I love it" not in page and "Never again" in page
    assert not Prompt.objects.exists()


def test_what_is_incomplete_is_told_at_its_field_and_kept(client, address):
    answer = client.post(address, FEW_SHOT | {"query": " "})

    page = answer.content.decode()
    assert answer.status_code == 400
    assert '<span class="problem">Write the query that waits for its response.</span>' in page
    assert "Give the &lt;sentiment&gt;.</textarea>" in page


def test_what_is_worth_a_look_is_shown_marked_and_sent_again_stands(client, address, project):
    make_prompt(project, "Write to <i>Ada</i> of three long rivers in the old and wide land.")
    sent = {
        "kind": "plain",
        "category": "chat",
        "language": "en",
        "prompt": "Write to <i>Ada</i> of four long rivers in the old and wide land. ada@example.org",
    }

    answer = client.post(address, sent)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "<mark>ada@example.org</mark>" in page
    assert "% alike" in page and "Write to &lt;i&gt;Ada&lt;/i&gt; of three" in page
    looked_at = answer.context["look"].looked_at
    client.post(address, sent | {"looked_at": looked_at})
    assert Prompt.objects.filter(source="plain", messages__0__content=sent["prompt"]).count() == 1


def test_a_draft_is_saved_by_version_and_shown_again(client, address, project):
    draft = {
        "kind": "few_shot",
        "instruction": "Half a",
        "pairs": [{"query": "q1", "response": ""}],
        "language": "en",
    }
    assert save(client, project, version=0, draft=draft).json()["version"] == 1
    assert save(client, project, version=1).json()["version"] == 1

    page = client.get(address).content.decode()

    assert ">Half a</textarea>" in page and ">q1</textarea>" in page
    assert 'value="few_shot" checked' in page
    assert 'data-version="1"' in page


def test_an_older_draft_is_refused_with_the_newer_one(client, project):
    save(client, project, version=0, draft={"prompt": "new"})

    answer = save(client, project, version=0, draft={"prompt": "old"})

    assert answer.status_code == 409
    assert (answer.json()["draft"], answer.json()["version"]) == ({"prompt": "new"}, 1)


@pytest.mark.parametrize(
    "content", [{"pairs": "x"}, {"pairs": [1, {"query": [2]}]}, {"kind": {}}, {"prompt": 5}]
)
def test_a_draft_of_any_shape_breaks_no_page(client, address, project, annotator, content):
    PromptDraft.objects.create(user=annotator, project=project, content=content)

    assert client.get(address).status_code == 200


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"version": "x"}', '{"version": 0, "draft": 1}'])
def test_a_draft_that_cannot_be_read_is_refused(client, project, body):
    address = reverse("prompt-draft", args=[project.public_id])

    assert client.post(address, body, content_type="application/json").status_code == 400
    assert not PromptDraft.objects.exists()


def test_nobody_sees_the_draft_of_another(client, client_for, second_annotator, address, project):
    save(client, project, version=0, draft={"prompt": "Mine alone"})

    assert "Mine alone" not in client_for(second_annotator).get(address).content.decode()


def test_what_was_written_counts_in_one_s_weeks(client, address, project, annotator):
    actions.add_prompt(project=project, author=annotator, messages=[{"role": "user", "content": "One."}])
    client.post(address, FEW_SHOT)

    page = client.get(reverse("home")).content.decode()

    assert '<td class="number">0</td><td class="number">0</td><td class="number">2</td>' in page
    assert address in page
