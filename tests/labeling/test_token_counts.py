import logging
import os

import pytest
from django.urls import reverse
from tokenizers import Tokenizer, models, pre_tokenizers

from labeling import actions, token_counts
from labeling.token_counts import token_count

pytestmark = pytest.mark.django_db


def write_tokenizer(path, words):
    """One token a known word, and one for any other."""
    vocabulary = {word: number for number, word in enumerate(["?", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(path))
    return path


@pytest.fixture
def with_tokenizer(project, tmp_path):
    """The project, whose model has a tokenizer."""
    path = write_tokenizer(tmp_path / "tokenizer.json", ["fine"])
    actions.set_tokenizer(project=project, path=str(path))
    project.refresh_from_db()
    return project


def asked(client, project, text):
    return client.post(reverse("count-tokens", args=[project.public_id]), {"text": text})


def test_a_text_is_counted_by_the_project_s_tokenizer(with_tokenizer):
    assert token_count(with_tokenizer, "a fine text") == 3
    assert token_count(with_tokenizer, "") == 0


def test_a_path_below_the_artifacts_directory_is_found(project, settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path
    write_tokenizer(tmp_path / "tokenizer.json", ["fine"])
    actions.set_tokenizer(project=project, path="tokenizer.json")
    project.refresh_from_db()

    assert token_count(project, "fine fine") == 2


def test_a_file_that_changes_is_read_again_and_one_that_does_not_is_not(with_tokenizer, tmp_path):
    token_counts._tokenizer.cache_clear()
    path = tmp_path / "tokenizer.json"
    for _ in range(3):
        token_count(with_tokenizer, "fine")
    assert token_counts._tokenizer.cache_info().misses == 1

    write_tokenizer(path, ["other"])
    os.utime(path, ns=(0, 7))
    token_count(with_tokenizer, "fine")

    assert token_counts._tokenizer.cache_info().misses == 2


def test_without_a_tokenizer_or_with_a_broken_one_there_is_no_count_and_the_log_says_so_once(
    project, tmp_path, caplog
):
    assert token_count(project, "fine") is None

    for path in (tmp_path / "gone.json", tmp_path / "broken.json"):
        (tmp_path / "broken.json").write_text("{")
        actions.set_tokenizer(project=project, path=str(path))
        project.refresh_from_db()
        with caplog.at_level(logging.WARNING, logger="labeling.token_counts"):
            assert token_count(project, "fine") is None
            assert token_count(project, "fine") is None
        assert caplog.text.count(str(path)) >= 1
    assert len(caplog.records) == 2


def test_the_route_answers_with_the_number(client_for, annotator, with_tokenizer):
    answer = asked(client_for(annotator), with_tokenizer, "a fine text")

    assert (answer.status_code, answer.json()) == (200, {"tokens": 3})


def test_the_route_says_that_nobody_can_count(client_for, annotator, project):
    assert asked(client_for(annotator), project, "fine").json() == {"tokens": None}


def test_a_text_that_is_far_too_long_is_refused_with_a_sentence(client_for, annotator, with_tokenizer):
    answer = asked(client_for(annotator), with_tokenizer, "a" * 100_001)

    assert answer.status_code == 413
    assert "too long" in answer.json()["message"]


def test_strangers_and_engineers_count_nothing(client_for, outsider, engineer, project):
    assert [asked(client_for(who), project, "x").status_code for who in (outsider, engineer)] == [404, 404]
