"""The Chinese catalog is whole: every sentence of the code is in it, translated and compiled."""

import re
from collections import Counter

import polib
import pytest
from django.utils import translation

from tests import messages

PLACEHOLDER = re.compile(r"%\([a-z_]+\)[-#0-9. ]*[a-z]|%[-#0-9.]*[sdrf]|\{[a-z_]*\}|</?[a-z]+>")


@pytest.fixture(scope="module")
def catalog():
    return polib.pofile(str(messages.CATALOG))


def test_every_sentence_is_in_the_catalog(catalog):
    known = {messages.key(entry) for entry in catalog if not entry.obsolete}

    missing = [f"{m.text!r} in {places[0]}" for m, places in messages.messages().items() if m not in known]

    assert missing == [], "run `python -m tests.messages`, then translate them"


def test_every_sentence_is_translated_and_none_by_guess(catalog):
    unfinished = [entry.msgid for entry in catalog if entry.fuzzy or not entry.translated()]

    assert unfinished == []


def test_the_catalog_holds_nothing_that_no_page_says(catalog):
    said = set(messages.messages())

    gone = [entry.msgid for entry in catalog if entry.obsolete or messages.key(entry) not in said]

    assert gone == [], "run `python -m tests.messages`"


def test_no_sentence_stands_twice(catalog):
    twice = Counter((entry.msgctxt, entry.msgid) for entry in catalog)

    assert [key for key, n in twice.items() if n > 1] == []


def test_placeholders_and_markup_are_the_same_in_both_languages(catalog):
    def parts(text):
        return Counter(PLACEHOLDER.findall(text))

    different = [
        entry.msgid
        for entry in catalog
        for translated in (entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr])
        if parts(translated) != parts(entry.msgid_plural or entry.msgid)
    ]

    assert different == []


def test_what_is_compiled_is_what_stands_in_the_catalog(catalog):
    def content(entries):
        return {
            (e.msgctxt, e.msgid, e.msgid_plural, e.msgstr, str(e.msgstr_plural))
            for e in entries
            if e.msgstr or any(e.msgstr_plural.values())
        }

    compiled = polib.mofile(str(messages.CATALOG.with_suffix(".mo")))

    assert content(compiled) == content(catalog), "run `python -m tests.messages`"


# Headings of columns of times, and states.
TWO_WORDS = {"opened", "uploaded"}


def test_one_word_is_translated_in_one_way(catalog):
    """“Runs” and “runs” may not be two things."""
    by_word = {}
    for entry in catalog:
        if not entry.msgid_plural and entry.msgctxt is None:
            by_word.setdefault(entry.msgid.casefold().rstrip("."), set()).add(entry.msgstr.rstrip("。"))

    assert {word: ways for word, ways in by_word.items() if len(ways) > 1 and word not in TWO_WORDS} == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('_("a " "b")', [("a b", "", None)]),
        ('ngettext("%d x", "%d xs", n)', [("%d x", "%d xs", None)]),
        ('pgettext_lazy("verb", "run")', [("run", "", "verb")]),
        ("_(name)", []),
    ],
)
def test_sentences_are_found_in_python(source, expected):
    assert list(messages.in_python(source)) == expected


def test_sentences_are_found_in_templates():
    template = (
        '{% load i18n %}{% translate "It\'s" %}{% translate \'To\' context "columns" %}{% translate name %}'
        "{% blocktranslate count n=n %}{{ n }} field{% plural %}{{ n }} fields{% endblocktranslate %}"
    )

    found = set(messages.in_template(template))

    assert found == {("It's", "", None), ("To", "", "columns"), ("%(n)s field", "%(n)s fields", None)}


def test_the_compiled_catalog_is_what_pages_speak():
    with translation.override("zh-hans"):
        assert translation.gettext("Rank outputs") == "排序输出"
        assert translation.ngettext("in %(n)d minute", "in %(n)d minutes", 5) % {"n": 5} == " 5 分钟后"
