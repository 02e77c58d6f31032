"""Managers' pages by plain forms: each action's way through, and what is refused."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labeling import actions
from labeling.models import GuidelineVersion, Membership, Project, Prompt, Task, Transfer
from tests.making import make_demonstration_task, make_prompt, make_ranking_task

SETTINGS = {
    "name": "Poems",
    "languages": "zh, EN",
    "completions_per_prompt": "6",
    "overlap_share": "15",
    "overlap_people": "3",
    "time_zone": "Asia/Shanghai",
    "criteria": "evaluation",
    "model_names": "Bardolph 2, 小明",
}


@pytest.fixture
def client(client_for, manager):
    return client_for(manager)


def address(name, *subjects):
    return reverse(name, args=[subject.public_id for subject in subjects])


def roles_of(user, project):
    return set(Membership.objects.filter(user=user, project=project).values_list("role", flat=True))


# --- projects


def test_a_manager_creates_a_project_and_manages_it(client, manager):
    answer = client.post(reverse("create-project"), SETTINGS)

    project = Project.objects.get(name="Poems")
    assert answer.headers["Location"] == address("manage-guidelines", project)
    assert (project.languages, project.completions_per_prompt) == (["zh", "en"], 6)
    assert (project.overlap_share, project.overlap_people) == (0.15, 3)
    assert project.time_zone == "Asia/Shanghai"
    assert roles_of(manager, project) == {"manager"}


def test_a_site_admin_creates_the_first_project(client_for, person):
    admin = person("Admin")
    admin.is_superuser = True
    admin.save()

    assert client_for(admin).post(reverse("create-project"), SETTINGS).status_code == 302


@pytest.mark.parametrize("who", ["annotator", "engineer", "outsider"])
def test_others_create_no_projects(client_for, request, who):
    client = client_for(request.getfixturevalue(who))

    assert client.get(reverse("create-project")).status_code == 404
    assert client.post(reverse("create-project"), SETTINGS).status_code == 404
    assert not Project.objects.filter(name="Poems").exists()


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", ""),
        ("languages", "english!"),
        ("languages", " , "),
        ("completions_per_prompt", "10"),
        ("completions_per_prompt", "1"),
        ("overlap_share", "101"),
        ("overlap_people", "0"),
        ("time_zone", "Mars/Olympus"),
    ],
)
def test_settings_out_of_range_are_refused_beside_their_field(client, project, field, value):
    answer = client.post(address("manage-settings", project), SETTINGS | {field: value})

    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    assert Project.objects.get().name == "Helpful answers"


def test_a_name_that_is_taken_is_refused(client, project):
    Project.objects.create(name="Poems")

    answer = client.post(address("manage-settings", project), SETTINGS)

    assert "name" in answer.context["form"].errors


def test_settings_are_saved(client, project):
    client.post(address("manage-settings", project), SETTINGS)

    project.refresh_from_db()
    assert (project.name, project.completions_per_prompt, project.languages) == ("Poems", 6, ["zh", "en"])


def test_a_cap_per_day_is_set_refused_when_it_is_none_and_taken_away(client, project):
    settings = address("manage-settings", project)

    client.post(settings, SETTINGS | {"daily_cap": "40"})
    project.refresh_from_db()
    assert project.daily_cap == 40
    assert client.post(settings, SETTINGS | {"daily_cap": "0"}).status_code == 400
    client.post(settings, SETTINGS)

    project.refresh_from_db()
    assert project.daily_cap is None


def test_a_pause_has_a_reason_that_annotators_read_and_ends(client, client_for, annotator, project):
    make_ranking_task(project)
    client.post(address("pause-project", project), {"reason": "  "})
    project.refresh_from_db()
    assert project.paused_at is None

    client.post(address("pause-project", project), {"reason": "The guidelines change today."})

    page = client_for(annotator).get(address("project", project))
    assert b"The guidelines change today." in page.content
    assert client_for(annotator).post(reverse("next-task", args=[project.public_id, "rank"])).headers[
        "Location"
    ] == address("project", project)
    client.post(address("resume-project", project))
    project.refresh_from_db()
    assert (project.paused_at, project.pause_reason) == (None, "")


# --- guidelines


def test_guidelines_are_previewed_then_published_as_a_new_version(client, project, manager):
    address_ = address("manage-guidelines", project)
    text = {"language": "en", "body": "# Be kind\n<script>alert(1)</script>"}

    preview = client.post(address_, text | {"preview": "1"}).content.decode()
    assert "<h1>Be kind</h1>" in preview and "<script>alert" not in preview
    assert GuidelineVersion.objects.count() == 0

    fragment = client.post(address_, text | {"preview": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert fragment.lstrip().startswith('<section id="preview"')

    client.post(address_, text)
    client.post(address_, text)  # the same again is no new version
    client.post(address_, text | {"body": "Be kinder."})
    versions = GuidelineVersion.objects.order_by("number")
    assert [(v.number, v.body, v.author) for v in versions] == [
        (1, text["body"], manager),
        (2, "Be kinder.", manager),
    ]
    assert b"Be kind" in client.get(address("guideline-version", versions[0])).content


def test_empty_guidelines_are_refused_and_languages_have_their_own_versions(client, project):
    Project.objects.update(languages=["en", "zh"])

    assert (
        client.post(address("manage-guidelines", project), {"language": "en", "body": " "}).status_code == 400
    )
    client.post(address("manage-guidelines", project), {"language": "zh", "body": "请友善。"})

    version = GuidelineVersion.objects.get()
    assert (version.language, version.number) == ("zh", 1)


# --- people


def test_roles_are_added_and_taken_away_until_nothing_is_left(client, project, annotator):
    address_ = address("give-roles", project, annotator)

    client.post(address_, {"roles": ["reviewer", "engineer"]})
    assert roles_of(annotator, project) == {"reviewer", "engineer"}

    client.post(address_, {})
    assert roles_of(annotator, project) == set()
    assert client.post(address_, {"roles": ["annotator"]}).status_code == 404


def test_the_last_manager_stays(client, client_for, project, manager, annotator):
    client.post(address("give-roles", project, manager), {"roles": ["annotator"]})
    assert roles_of(manager, project) == {"manager"}

    client.post(address("give-roles", project, annotator), {"roles": ["manager"]})
    client.post(address("give-roles", project, manager), {"roles": ["annotator"]})
    assert roles_of(manager, project) == {"annotator"}
    assert client.get(address("manage-people", project)).status_code == 404


# --- tasks


def found(client, project, **fields):
    return [task.pk for task in client.get(address("manage-tasks", project), fields).context["page"].tasks]


def test_tasks_are_filtered_and_searched(client, project):
    Project.objects.update(languages=["en", "zh"])
    rank = make_ranking_task(project, prompt=make_prompt(project, "The blue whale sings", category="chat"))
    write = make_demonstration_task(project, text="介绍一下秋天的天气。", language="zh", external_id="ours-1")
    actions.withdraw_task(task=rank, actor=None)

    assert found(client, project) == [write.pk, rank.pk]
    assert found(client, project, kind="rank") == [rank.pk]
    assert found(client, project, status="open") == [write.pk]
    assert found(client, project, language="zh", category="other") == [write.pk]
    assert found(client, project, category="chat") == [rank.pk]
    assert found(client, project, q="WHALE sings") == [rank.pk]
    assert found(client, project, q="天气") == [write.pk]
    assert found(client, project, q="气天") == []
    assert found(client, project, q="ours-1") == [write.pk]
    assert found(client, project, q=str(write.public_id)) == [write.pk]
    assert found(client, project, q=str(rank.prompt.public_id)) == [rank.pk]
    assert found(client, project, q="elephant") == []


@pytest.mark.parametrize("q", ["'; --", '"', "a & | !", "user", "%"])
def test_a_strange_search_finds_nothing_and_breaks_nothing(client, project, q):
    make_ranking_task(project)

    assert client.get(address("manage-tasks", project), {"q": q}).status_code == 200


def test_a_filter_that_may_not_be_asked_is_left_out(client, project):
    task = make_ranking_task(project)

    assert found(client, project, kind="project__pseudonym_key", after="nonsense") == [task.pk]


def test_tasks_whose_outputs_name_their_model_are_counted_shown_and_found(client, project):
    named = make_ranking_task(project, ["I am ChatGPT.", "A plain answer."])
    make_ranking_task(project, ["One.", "Another."])

    progress = client.get(address("manage", project)).content.decode()
    found = client.get(address("manage-tasks", project), {"flag": "names_model"})
    page = client.get(address("manage-task", named)).content.decode()

    assert "1 open task has an output that tells which model wrote it." in progress
    assert [task.pk for task in found.context["page"].tasks] == [named.pk]
    assert "names its model" in found.content.decode()
    assert '<q dir="auto">I am ChatGPT.</q>' in page


def test_the_list_goes_on_page_by_page_without_gaps(client, project):
    prompt = make_prompt(project)
    Task.objects.bulk_create(Task(project=project, prompt=prompt, kind="rank") for _ in range(120))
    seen, after = [], ""
    while True:
        page = client.get(address("manage-tasks", project), {"after": after}).context["page"]
        seen += [task.pk for task in page.tasks]
        if page.after is None:
            break
        after = str(page.after)

    assert seen == list(Task.objects.order_by("-pk").values_list("pk", flat=True))


def test_a_task_is_withdrawn_and_opened_again_with_its_history(client, project, manager, annotator):
    task = make_ranking_task(project)

    client.post(address("withdraw-task", task))
    assert actions.claim_task(user=annotator, project=project, kind="rank") is None
    client.post(address("withdraw-task", task))  # nothing to withdraw any more
    client.post(address("reopen-task", task))

    task.refresh_from_db()
    changes = [(c.from_status, c.to_status, c.actor) for c in task.status_changes.all()]
    assert changes == [("open", "withdrawn", manager), ("withdrawn", "open", manager)]
    assert actions.claim_task(user=annotator, project=project, kind="rank").task == task
    assert "Mia" in client.get(address("manage-task", task)).content.decode()


def test_one_more_person_is_asked_about_a_complete_task(client, project, annotator, second_annotator):
    task = make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    actions.submit_ranking(assignment=assignment, places=[(n, n) for n in range(1, 5)], idempotency_key="k")

    client.post(address("reopen-task", task))

    task.refresh_from_db()
    assert (task.status, task.seats_wanted) == ("open", 2)
    assert actions.claim_task(user=second_annotator, project=project, kind="rank").task == task


def test_a_withdrawn_task_that_was_submitted_meanwhile_comes_back_complete(client, project, annotator):
    task = make_ranking_task(project)
    assignment = actions.claim_task(user=annotator, project=project, kind="rank")
    client.post(address("withdraw-task", task))
    actions.submit_ranking(assignment=assignment, places=[(n, n) for n in range(1, 5)], idempotency_key="k")

    client.post(address("reopen-task", task))

    task.refresh_from_db()
    assert task.status == "complete"


# --- imports


def upload(client, project, content=b'{"prompt": "one"}\nbroken\n', name="p.jsonl"):
    file = SimpleUploadedFile(name, content)
    return client.post(address("manage-imports", project), {"file": file})


def test_a_file_is_uploaded_looked_at_mapped_and_confirmed(client, project):
    answer = upload(client, project, b"id;frage;autor\n7;Was ist das?;Ann\n8;;Ann\n", "p.csv")
    transfer = Transfer.objects.get()
    assert answer.headers["Location"] == address("import", transfer)
    assert client.post(address("start-import", transfer), {"usual_language": "en"}).status_code == 400
    transfer.refresh_from_db()
    assert transfer.status == "uploaded"  # nothing says yet where the prompt is

    refused = client.post(address("map-import", transfer), {"usual_language": "en"})
    assert "column_prompt" in refused.context["form"].errors
    client.post(
        address("map-import", transfer),
        {"column_prompt": "frage", "column_author": "autor", "usual_language": "en"},
    )
    page = client.get(address("import", transfer)).content.decode()
    assert "Was ist das?" in page and "The prompt is empty." in page and "2 rows, 1 broken" in page
    assert Prompt.objects.count() == 0

    changed = {"column_prompt": "frage", "usual_language": "en"}
    again = client.post(address("start-import", transfer), changed, follow=True)
    assert "You chose other columns" in again.content.decode()
    transfer.refresh_from_db()
    assert transfer.status == "uploaded" and transfer.options["mapping"] == {"prompt": "frage"}

    client.post(address("start-import", transfer), changed | {"ask_for_demonstrations": "on"})
    transfer.refresh_from_db()
    assert transfer.status == "queued" and transfer.options["ask_for_demonstrations"]
    actions.run_import(transfer_id=transfer.pk)

    assert Prompt.objects.get().metadata == {"id": "7", "autor": "Ann"}
    assert Task.objects.filter(kind="demonstrate").count() == (Prompt.objects.get().split == "train")
    done = client.get(address("import", transfer))
    assert done.context["transfer"].counts["added"] == 1
    fragment = client.get(address("import", transfer), headers={"HX-Request": "true"}).content.decode()
    assert fragment.lstrip().startswith('<div id="import"')
    assert client.get(address("import-problems", transfer)).getvalue().decode() == (
        "line,reason\r\n3,The prompt is empty.\r\n"
    )
    assert b"p.csv" in client.get(address("manage-imports", project)).content


def test_a_file_that_cannot_be_read_is_refused_beside_the_field(client, project):
    answer = upload(client, project, "prompt\nx\n".encode("utf-16"), "p.csv")

    assert answer.status_code == 400
    assert "UTF-16" in str(answer.context["form"].errors["file"])
    assert client.post(address("manage-imports", project)).status_code == 400
    assert Transfer.objects.count() == 0


def test_several_files_are_one_import_and_broken_rows_name_theirs(client, project):
    files = [SimpleUploadedFile(name, b'{"prompt": "one"}\nbroken\n') for name in ("=a.jsonl", "b.jsonl")]

    client.post(address("manage-imports", project), {"file": files, "paths": '["d/=a.jsonl", "d/b.jsonl"]'})

    transfer = Transfer.objects.get()
    assert transfer.options["file_name"] == "d"
    lines = client.get(address("import-problems", transfer)).getvalue().decode().splitlines()
    assert lines[0] == "line,reason,file"
    assert [line.rpartition(",")[2] for line in lines[1:]] == ["./=a.jsonl", "./b.jsonl"]


@pytest.mark.parametrize("paths", ["no json", "[1, 2]", '["one"]', '{"a": 1}'])
def test_paths_that_are_none_leave_the_files_their_names(client, project, paths):
    files = [SimpleUploadedFile(name, b'{"prompt": "one"}\n') for name in ("a.jsonl", "b.jsonl")]

    client.post(address("manage-imports", project), {"file": files, "paths": paths})

    assert [file["name"] for file in Transfer.objects.get().options["files"]] == ["a.jsonl", "b.jsonl"]


def test_an_upload_is_dropped(client, project):
    upload(client, project)
    transfer = Transfer.objects.get()

    client.post(address("cancel-import", transfer))

    transfer.refresh_from_db()
    assert transfer.status == "cancelled"


def test_hostile_names_and_texts_are_shown_as_text(client, project):
    evil = "<script>alert(1)</script>"
    upload(client, project, json.dumps({"prompt": evil, evil: evil, "author": evil}).encode())

    page = client.get(address("import", Transfer.objects.get())).content.decode()

    assert evil not in page and "&lt;script&gt;" in page


# --- cost


def cost(client, address_):
    client.get(address_)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address_).status_code == 200
    return len(captured)


def test_no_page_costs_more_queries_when_there_is_more(client, project, person, manager):
    addresses = {
        name: address(name, project)
        for name in (
            *("manage", "manage-tasks", "manage-prompts", "manage-people"),
            *("manage-guidelines", "manage-imports", "manage-audit"),
        )
    }
    addresses["manage-invitations"] = address("manage-invitations", project)

    def add(n):
        task = make_ranking_task(project)
        someone = person(f"Someone{n}", "annotator", project=project)
        assignment = actions.claim_task(user=someone, project=project, kind="rank")
        places = [(k, k) for k in range(1, 5)]
        actions.submit_ranking(assignment=assignment, places=places, idempotency_key="k")
        actions.publish_guidelines(project=project, language="en", body=f"{n}", author=someone)
        upload(client, project)
        made = actions.invite(project=project, actor=manager, roles=["annotator"])
        actions.accept_invitation(key=made.key, user=someone)
        actions.suspend_member(project=project, user=someone, actor=manager, reason="Why.", sets_aside=True)
        return task

    add(1)
    before = {name: cost(client, address_) for name, address_ in addresses.items()}
    for n in range(2, 12):
        add(n)

    assert {name: cost(client, address_) for name, address_ in addresses.items()} == before


def test_no_page_of_a_manager_reads_or_counts_the_texts_of_prompts(client, project):
    make_demonstration_task(project)

    for name in ("manage", "manage-imports", "manage-people", "manage-settings"):
        with CaptureQueriesContext(connection) as captured:
            client.get(address(name, project))
        assert not [q["sql"] for q in captured if '"messages"' in q["sql"] or '"metadata"' in q["sql"]]
