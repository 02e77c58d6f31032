"""The pages on which a project begins, by plain forms: what they show, do and refuse."""

from decimal import Decimal

import pytest
from django.urls import reverse

from labeling import actions
from labeling.models import Completion, Pilot, Plan, Project, Task, Transfer
from tests.labeling.test_manager_pages import SETTINGS, address
from tests.labeling.test_opening import with_outputs
from tests.making import make_prompt

PLAN = {
    "prompts": "2000",
    "completions_per_prompt": "6",
    "minutes": "6.5",
    "overlap_share": "15",
    "overlap_people": "3",
    "people": "12",
    "hours_a_day": "4",
    "hourly_rate": "25",
    "currency": "eur",
}


@pytest.fixture
def client(client_for, manager):
    return client_for(manager)


# --- beginning


def test_a_template_is_shown_with_its_settings_and_creates_a_project_with_its_guidelines(client):
    create = reverse("create-project") + "?template=ranking"
    page = client.get(create)
    assert page.context["form"].initial["completions_per_prompt"] == 6
    assert page.context["form"].initial["languages"] == "en, zh"

    answer = client.post(create, SETTINGS)

    project = Project.objects.get(name="Poems")
    assert answer.headers["Location"] == address("manage", project)
    assert project.guideline_versions.count() == 2 and project.rubric_versions.count() == 1


def test_a_project_that_one_manages_is_copied_with_what_is_ticked(client, project, annotator):
    create = f"{reverse('create-project')}?copy={project.public_id}"
    assert client.get(create).context["form"].initial["name"] == ""

    client.post(create, SETTINGS | {"with_people": "on"})

    copy = Project.objects.get(name="Poems")
    assert set(copy.memberships.values_list("user__name", "role")) == {
        ("Mia", "manager"),
        ("Ada", "annotator"),
    }


def test_nobody_copies_what_they_do_not_manage(client, db):
    other = actions.create_project(name="Other", creator=None)
    create = f"{reverse('create-project')}?copy={other.public_id}"

    assert client.get(create).status_code == 404
    assert client.post(create, SETTINGS).status_code == 404
    assert client.get(f"{reverse('create-project')}?copy=nonsense").status_code == 404
    assert not Project.objects.filter(name="Poems").exists()


def test_a_refused_name_keeps_the_template(client, project):
    answer = client.post(reverse("create-project") + "?template=pairs", SETTINGS | {"name": project.name})

    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["name"])
    assert answer.context["beginning"].template.key == "pairs"


# --- plan


def test_the_plan_begins_with_the_project_as_it_is_without_prompts_of_test(client, project):
    make_prompt(project, split="valid")
    make_prompt(project, split="test")

    shown = client.get(address("manage-plan", project)).context["shown"]

    assert (shown.workload.prompts, shown.workload.completions_per_prompt) == (1, 4)
    assert shown.agreement is None


def test_the_numbers_of_the_address_are_worked_out(client, project):
    page = client.get(address("manage-plan", project), PLAN)

    shown = page.context["shown"]
    assert (round(shown.workload.hours), shown.workload.cost) == (282, Decimal("7041.67"))
    assert (shown.agreement, shown.win_rate) == ("2.9", "2.2")
    text = page.content.decode()
    assert "7,042 EUR" in text and "2.71 EUR a judgment" in text
    assert [round(other.shown.workload.hours) for other in page.context["others"]] == [217, 282, 433]
    assert [other.is_chosen for other in page.context["others"]] == [False, True, False]
    assert not Plan.objects.exists()


def test_minutes_that_are_left_out_are_the_usual_ones(client, project):
    shown = client.get(address("manage-plan", project), PLAN | {"minutes": ""}).context["shown"]

    assert shown.workload.minutes == 6.5


def test_numbers_that_make_no_plan_are_refused_in_words_and_the_fragment_says_them_too(client, project):
    page = client.get(address("manage-plan", project), PLAN | {"people": "0"})
    fragment = client.get(
        address("manage-plan", project), PLAN | {"people": "0"}, headers={"HX-Request": "true"}
    )

    assert "people" in page.context["form"].errors and "shown" not in page.context
    assert fragment.content.decode().lstrip().startswith('<div id="forecast"')
    assert "People at work: " in fragment.content.decode()


def test_what_is_shown_is_what_is_applied(client, project, manager):
    fields = client.get(address("manage-plan", project), PLAN).context["fields"]

    answer = client.post(address("apply-plan", project), fields)

    plan = Plan.objects.get()
    project.refresh_from_db()
    assert answer.headers["Location"] == address("manage-plan", project)
    assert (plan.author, plan.prompts, plan.minutes, plan.currency) == (manager, 2000, 6.5, "EUR")
    assert (project.completions_per_prompt, project.overlap_share, project.overlap_people) == (6, 0.15, 3)
    assert (project.hourly_rate, project.currency) == (Decimal("25.00"), "EUR")
    assert client.get(address("manage-plan", project)).context["form"].initial["prompts"] == 2000


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_thousands_are_parted_alike_in_every_language(client, project, language):
    many = PLAN | {"prompts": "200000", "people": "1000"}

    page = client.get(address("manage-plan", project), many, headers={"Accept-Language": language})

    # 200,000 prompts, 30,000 of them by three: 260,000 judgments of 6.5 minutes, at 25 an hour.
    assert all(n in page.content.decode() for n in ("260,000", "28,167", "704,167 EUR"))


def test_who_plans_beside_open_tasks_reads_that_these_keep_their_overlap(client, project):
    planned = client.post(address("apply-plan", project), PLAN, follow=True).content.decode()
    actions.open_ranking_task(prompt=with_outputs(project), completions=Completion.objects.all())
    again = client.post(address("apply-plan", project), PLAN, follow=True).content.decode()

    assert "keep their overlap" not in planned and "keep their overlap" in again


def test_a_plan_that_cannot_be_worked_is_refused_beside_its_field(client, project):
    answer = client.post(address("apply-plan", project), PLAN | {"people": "2"})

    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["people"])
    assert not Plan.objects.exists()


def test_the_rate_and_its_currency_are_settings_too(client, project):
    client.post(address("manage-settings", project), SETTINGS | {"hourly_rate": "18.5", "currency": "cny"})
    project.refresh_from_db()
    assert (project.hourly_rate, project.currency) == (Decimal("18.50"), "CNY")

    refused = client.post(address("manage-settings", project), SETTINGS | {"currency": "€€€"})

    assert list(refused.context["form"].errors) == ["currency"]


# --- pilot


def test_a_pilot_is_started_watched_and_followed_by_the_rest(client, project, annotator):
    for _ in range(4):
        with_outputs(project)
    before = client.get(address("manage-pilot", project))
    (row,) = before.context["ready"]
    assert (row.language, row.kinds, row.annotators) == ("en", ["rank", "demonstrate"], 1)

    client.post(address("start-pilot", project), {"kind": "rank", "size": "2"})
    page = client.get(address("manage-pilot", project))

    assert page.context["is_under_way"] and page.context["figures"].wanted == 2
    assert "Go: open the rest" in page.content.decode()
    answer = client.post(address("open-the-rest", project))
    opening = Transfer.objects.get(direction="tasks")
    assert answer.headers["Location"] == address("opening", opening)
    actions.run_opening(transfer_id=opening.pk)
    assert Task.objects.count() == 4
    after = client.get(address("manage-pilot", project)).content.decode()
    assert "Another pilot" in after and "Go: open the rest" not in after


def test_after_a_pilot_that_was_ended_the_rest_can_still_be_opened(client, project, annotator):
    for _ in range(2):
        with_outputs(project)
    client.post(address("start-pilot", project), {"kind": "rank", "size": "1"})

    ended = client.post(address("end-pilot", project), follow=True).content.decode()
    client.post(address("open-the-rest", project))

    assert "Go: open the rest" in ended
    assert Transfer.objects.get(direction="tasks").content == "rank"


@pytest.mark.parametrize("sent", [{"kind": "rank", "size": "0"}, {"kind": "rank", "size": "5"}, {}])
def test_a_pilot_that_cannot_be_is_refused_on_its_page(client, project, sent):
    answer = client.post(address("start-pilot", project), sent)

    assert answer.status_code == 400 and answer.context["form"].errors
    assert not Pilot.objects.exists()


def test_a_pilot_ends_without_opening_anything(client, project, annotator):
    make_prompt(project)
    make_prompt(project)
    client.post(address("start-pilot", project), {"kind": "demonstrate", "size": "1"})

    client.post(address("end-pilot", project))

    assert Pilot.objects.get().ended_at is not None
    assert Task.objects.count() == 1


def test_without_a_pilot_there_is_nothing_to_go_on_from(client, project):
    make_prompt(project)

    assert client.post(address("open-the-rest", project)).status_code == 302
    assert not Transfer.objects.exists()
