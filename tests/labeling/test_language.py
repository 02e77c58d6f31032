"""The switch in the top bar, and whose wish counts."""

import pytest
from django.test import Client
from django.urls import reverse

from labeling import actions, queries
from labeling.errors import DomainError


def choose(client, language, back="/"):
    return client.post(reverse("choose-language"), {"language": language, "next": back})


def text(answer):
    return answer.content.decode()


def test_the_switch_changes_the_page_and_stays_on_it(client_for, annotator, project):
    client = client_for(annotator)
    address = reverse("project", args=[project.public_id])
    assert 'value="zh-hans" lang="zh-Hans">中文' in text(client.get(address))

    answer = choose(client, "zh-hans", address)

    assert answer.headers["Location"] == address
    page = text(client.get(address))
    assert '<html lang="zh-hans">' in page
    assert "退出登录" in page
    assert 'value="en" lang="en">English' in page


def test_the_language_follows_the_person_to_another_browser(client_for, annotator):
    choose(client_for(annotator), "zh-hans")

    page = text(client_for(annotator).get("/", headers={"Accept-Language": "en"}))

    assert '<html lang="zh-hans">' in page
    annotator.refresh_from_db()
    assert annotator.language == "zh-hans"


def test_whoever_is_not_signed_in_keeps_the_language_in_a_cookie(db):
    client = Client()
    choose(client, "zh-hans", reverse("account_login"))

    assert "登录" in text(client.get(reverse("account_login")))


@pytest.mark.parametrize("accepted", ["zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans", "zh"])
def test_a_browser_that_asks_for_chinese_gets_it(db, accepted):
    page = text(Client().get(reverse("account_login"), headers={"Accept-Language": accepted}))

    assert '<html lang="zh-hans">' in page


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_switch_leads_nowhere_else(db, back):
    assert choose(Client(), "en", back).headers["Location"] == "/"


def test_an_unknown_language_is_refused_and_nothing_changes(client_for, annotator):
    assert choose(client_for(annotator), "tlh").status_code == 400

    annotator.refresh_from_db()
    assert annotator.language == ""


def test_the_action_refuses_a_language_that_the_site_has_not(annotator):
    with pytest.raises(DomainError, match="tlh"):
        actions.choose_language(user=annotator, language="tlh")


def test_the_switch_is_no_get(db):
    assert Client().get(reverse("choose-language")).status_code == 405


def test_guidelines_come_in_the_language_of_the_page(project):
    actions.publish_guidelines(project=project, language="en", body="Be kind.", author=None)
    actions.publish_guidelines(project=project, language="zh", body="请友善。", author=None)

    assert queries.guidelines_for(project, "zh-hans").body == "请友善。"
    assert queries.guidelines_for(project, "fr").body == "Be kind."
