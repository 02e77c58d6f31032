"""A project begins from a template or as a copy, with a plan: the actions."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from labeling import actions, launch_queries
from labeling.days import today_in
from labeling.errors import DomainError
from labeling.models import (
    FaqEntry,
    GuidelineVersion,
    Membership,
    Plan,
    Project,
    Prompt,
    RubricVersion,
    Submission,
    Task,
)
from labeling.plans import Workload
from labeling.project_templates import GUIDELINES, TEMPLATES
from labeling.rubrics.presets import PRESETS
from labeling.timesheet_queries import Pay, rate_of
from tests.labeling.at_work import set_rate
from tests.making import make_prompt, make_ranking_task
from tests.test_starter_content import HALF_WIDTH_AFTER_HAN, HAN

WORKLOAD = Workload(
    prompts=2000,
    completions_per_prompt=6,
    overlap_share=0.15,
    overlap_people=3,
    minutes=6.5,
    people=12,
    hours_a_day=4,
    hourly_rate=Decimal("25.00"),
)


# --- templates


@pytest.mark.parametrize("key", TEMPLATES)
def test_a_template_gives_settings_guidelines_in_both_languages_and_its_rubric(db, manager, key):
    template = TEMPLATES[key]

    project = actions.create_project_from_template(
        template=key, creator=manager, name="New", languages=["en", "zh"]
    )

    for name, value in template.settings.items():
        assert getattr(project, name) == value
    assert set(GuidelineVersion.objects.filter(project=project).values_list("language", "number")) == {
        ("en", 1),
        ("zh", 1),
    }
    asked = [version.asked for version in RubricVersion.objects.filter(project=project)]
    assert asked == ([PRESETS[template.rubric]] if template.rubric else [])
    assert [m.role for m in project.memberships.filter(user=manager)] == ["manager"]


def test_what_is_chosen_on_the_form_wins_over_the_template(manager):
    project = actions.create_project_from_template(
        template="ranking", creator=manager, name="New", languages=["en"], completions_per_prompt=9
    )

    assert (project.completions_per_prompt, project.overlap_people) == (9, 3)
    assert [v.language for v in project.guideline_versions.all()] == ["en"]


def test_in_a_language_without_guidelines_there_are_none_and_the_rubric_is_asked_in_english(manager):
    project = actions.create_project_from_template(
        template="ranking", creator=manager, name="New", languages=["de"]
    )

    assert not project.guideline_versions.exists()
    overall = project.rubric_versions.get().asked[0]
    assert (overall.name["de"], overall.name["zh"]) == ("Overall quality", "总体质量")


def test_chinese_of_a_region_has_the_chinese_guidelines(manager):
    project = actions.create_project_from_template(
        template="pairs", creator=manager, name="New", languages=["zh-hans"]
    )

    assert HAN.search(project.guideline_versions.get(language="zh-hans").body)


def test_an_unknown_template_and_a_name_that_is_taken_leave_nothing_behind(project, manager):
    with pytest.raises(DomainError):
        actions.create_project_from_template(template="none", creator=manager, name="New")
    with pytest.raises(DomainError) as taken:
        actions.create_project_from_template(template="ranking", creator=manager, name=project.name)

    assert list(taken.value.fields) == ["name"]
    assert Project.objects.count() == 1 and not GuidelineVersion.objects.exists()


@pytest.mark.parametrize("path", sorted(GUIDELINES.glob("*.md")), ids=lambda path: path.name)
def test_guidelines_are_in_their_language(path: Path):
    body = path.read_text()

    assert path.name.split(".")[0] in TEMPLATES
    assert body.startswith("## ") and body.endswith("\n")
    assert bool(HAN.search(body)) == path.name.endswith(".zh.md")
    assert not HALF_WIDTH_AFTER_HAN.search(body)


def test_every_template_has_guidelines_in_english_and_chinese():
    assert all(template.guidelines(code) for template in TEMPLATES.values() for code in ("en", "zh"))


# --- copies


@pytest.fixture
def source(project, manager, annotator):
    """A project with everything a copy takes along, and with what it leaves."""
    Project.objects.update(languages=["en", "zh"], completions_per_prompt=6, daily_cap=40, currency="EUR")
    project.refresh_from_db()
    for body in ("Be kind.", "Be kinder."):
        actions.publish_guidelines(project=project, language="en", body=body, author=manager)
    actions.publish_guidelines(project=project, language="zh", body="请友善。", author=manager)
    actions.publish_rubric(project=project, questions=PRESETS["overall"], author=manager)
    entry = {"project": project, "language": "en", "author": manager, "answer": "Yes."}
    actions.publish_faq_entry(question="Do ties count?", **entry)
    retired = actions.publish_faq_entry(question="Is it over?", **entry)
    actions.retire_faq_entry(entry=retired, actor=None)
    Membership.objects.filter(user=annotator).update(group="held_out", languages=["zh"])
    make_ranking_task(project)
    return project


def test_a_copy_has_settings_newest_guidelines_and_rubric_and_nothing_else(source, manager):
    copy = actions.copy_project(source=source, creator=manager, name="Copy")

    assert copy.completions_per_prompt == 6
    assert actions.settings_of(copy) == actions.settings_of(source) | {"name": "Copy"}
    assert bytes(copy.pseudonym_key) != bytes(source.pseudonym_key)
    assert set(copy.guideline_versions.values_list("language", "number", "body")) == {
        ("en", 1, "Be kinder."),
        ("zh", 1, "请友善。"),
    }
    assert [version.asked for version in copy.rubric_versions.all()] == [PRESETS["overall"]]
    assert list(copy.memberships.values_list("user", "role")) == [(manager.pk, "manager")]
    for model in (Prompt, Task):
        assert not model.objects.filter(project=copy).exists()
    assert not FaqEntry.objects.filter(project=copy).exists()
    assert not Submission.objects.filter(project=copy).exists()


def test_a_copy_hands_tasks_out_as_its_source_does(source, manager):
    asked = {"open_tasks": 5, "gold_share": 0.2, "requires_qualification": True}
    asked |= {"qualification_tasks": 7, "qualification_share": 0.6}
    source = actions.change_queue(
        project=source, language_priorities={"en": 2, "zh": 5}, actor=manager, **asked
    )
    actions.set_paid_by(project=source, paid_by="task", actor=manager)

    source.refresh_from_db()
    copy = actions.copy_project(source=source, creator=manager, name="Copy", languages=["zh"])
    copy.refresh_from_db()

    assert copy.paid_by == "task"
    assert {name: getattr(copy, name) for name in asked} == asked
    assert copy.language_priorities == {"zh": 5}


def test_a_copy_takes_along_the_faq_and_the_people_when_asked(source, manager, annotator, outsider):
    closed = actions.add_member(project=source, user=outsider, role="annotator").user
    closed.is_active = False
    closed.save()

    copy = actions.copy_project(source=source, creator=manager, name="Copy", with_faq=True, with_people=True)

    entries = copy.faq_entries.values_list("question", "position", "thread")
    assert list(entries) == [("Do ties count?", 1, None)]
    assert set(copy.memberships.values_list("user", "role", "group")) == {
        (manager.pk, "manager", "training"),
        (annotator.pk, "annotator", "held_out"),
    }
    assert copy.memberships.get(user=annotator).languages == ["zh"]


def test_a_copy_pays_as_its_source_does_from_today_on(source, manager, annotator, second_annotator):
    today = today_in(source).date
    tomorrow = today + timedelta(days=1)
    actions.set_paid_by(project=source, paid_by="task", actor=manager)
    source.refresh_from_db()
    for amount, day in (("0.1", date(2026, 1, 1)), ("0.2", date(2026, 1, 2)), ("0.3", tomorrow)):
        set_rate(source, manager, amount, valid_from=day)
    set_rate(source, manager, "0.5", user=annotator)

    alone = actions.copy_project(source=source, creator=manager, name="Alone")
    peopled = actions.copy_project(source=source, creator=manager, name="Peopled", with_people=True)

    for copy, paid in ((alone, "0.2"), (peopled, "0.5")):
        assert copy.paid_by == "task"
        assert rate_of(annotator, copy, today) == Pay(Decimal(paid), "EUR")
        assert rate_of(second_annotator, copy, today).amount == Decimal("0.2")
        assert rate_of(second_annotator, copy, tomorrow).amount == Decimal("0.3")
    assert alone.rates.count() == 2 and peopled.rates.count() == 3


def test_whoever_works_in_none_of_the_copys_languages_stays_behind(source, manager, annotator):
    copy = actions.copy_project(
        source=source, creator=manager, name="Copy", with_people=True, languages=["en"]
    )

    assert not copy.memberships.filter(user=annotator).exists()
    assert [v.language for v in copy.guideline_versions.all()] == ["en"]


def test_whoever_is_suspended_is_let_into_no_copy(source, manager, annotator):
    suspension = actions.suspend_member(
        project=source, user=annotator, actor=manager, reason="Pasted answers.", sets_aside=False
    )

    copy = actions.copy_project(source=source, creator=manager, name="Copy", with_people=True)
    actions.lift_suspension(suspension=suspension, actor=manager)
    later = actions.copy_project(source=source, creator=manager, name="Later", with_people=True)

    assert not copy.memberships.filter(user=annotator).exists()
    assert later.memberships.filter(user=annotator).exists()


def test_a_copy_under_a_name_that_is_taken_is_refused_whole(source, manager):
    with pytest.raises(DomainError):
        actions.copy_project(source=source, creator=manager, name=source.name, with_people=True)

    assert Project.objects.count() == 1


# --- plans


def test_a_plan_that_is_applied_is_kept_and_becomes_the_projects_settings(project, manager):
    before = actions.settings_of(project)

    plan = actions.apply_plan(project=project, actor=manager, workload=WORKLOAD, currency="EUR")

    project.refresh_from_db()
    changed = {
        "completions_per_prompt": 6,
        "overlap_share": 0.15,
        "overlap_people": 3,
        "hourly_rate": Decimal("25.00"),
        "currency": "EUR",
    }
    assert actions.settings_of(project) == before | changed
    plan.refresh_from_db()
    assert plan.workload == WORKLOAD
    assert (plan.author, plan.currency, round(plan.workload.hours)) == (manager, "EUR", 282)
    assert plan.finish_on >= date.today()  # noqa: DTZ011 -- six working days are more than any time zone
    assert launch_queries.newest_plan(project) == plan


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"prompts": 0}, "prompts"),
        ({"minutes": 0}, "minutes"),
        ({"people": 0}, "people"),
        ({"people": 2}, "people"),  # three are wanted at a task
        ({"hours_a_day": 25}, "hours_a_day"),
        ({"prompts": 10_000_000, "people": 3}, "people"),  # more than a hundred years
        ({"completions_per_prompt": 10}, "completions_per_prompt"),
        ({"overlap_people": 21, "people": 30}, "overlap_people"),
    ],
)
def test_a_plan_that_cannot_be_worked_changes_nothing(project, changes, field):
    before = actions.settings_of(project)

    with pytest.raises(DomainError) as refused:
        actions.apply_plan(project=project, actor=None, workload=replace(WORKLOAD, **changes), currency="EUR")

    assert list(refused.value.fields) == [field]
    project.refresh_from_db()
    assert actions.settings_of(project) == before and not Plan.objects.exists()


def test_a_currency_is_three_letters(project):
    with pytest.raises(DomainError) as refused:
        actions.apply_plan(project=project, actor=None, workload=WORKLOAD, currency="€")

    assert list(refused.value.fields) == ["currency"]


def test_every_setting_that_can_be_changed_is_one_that_is_copied(project):
    assert set(actions.settings_of(project)) >= {"name", "languages", "daily_cap", "criteria", "hourly_rate"}
    assert actions.change_project(project=project, **actions.settings_of(project)) == project


# --- what a plan begins with


def test_minutes_are_measured_once_there_are_twenty(project, annotator):
    make_prompt(project)
    for n in range(19):
        submit(project, annotator, seconds=60 * (n % 2 + 1))
    assert launch_queries.usual_workload(project).measured is None

    submit(project, annotator, seconds=300)

    usual = launch_queries.usual_workload(project)
    assert usual.judgments == 20
    assert usual.measured == pytest.approx((10 * 60 + 9 * 120 + 300) / 20 / 60)
    workload = usual.workload
    assert (workload.prompts, workload.people, workload.completions_per_prompt) == (21, 1, 4)
    assert workload.minutes == usual.measured


def test_before_that_they_are_the_usual_ones(project):
    usual = launch_queries.usual_workload(project).workload

    assert usual.minutes == pytest.approx(6.5 * 4 / 6)
    assert (usual.prompts, usual.people) == (2000, 1)


def submit(project, user, *, seconds):
    make_ranking_task(project)
    assignment = actions.claim_task(user=user, project=project, kind="rank")
    places = [(n, n) for n in range(1, 5)]
    submission = actions.submit_ranking(assignment=assignment, places=places, idempotency_key="k")
    Submission.objects.filter(pk=submission.pk).update(active_seconds=seconds)
