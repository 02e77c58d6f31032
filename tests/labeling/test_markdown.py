import pytest
from django.utils.safestring import SafeString

from labeling.markdown import render


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<iframe src='https://evil.example'></iframe>",
        "[click](javascript:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD4=)",
        "![picture](https://evil.example/x.png)",
        "<a href='x' onclick='alert(1)'>x</a>",
        "<style>body{display:none}</style>",
    ],
)
def test_hostile_text_leaves_no_live_markup(hostile):
    html = render(hostile)

    for live in ("<script", "<img", "<iframe", "<style", 'href="javascript', 'href="data', "<a href='x'"):
        assert live not in html


def test_html_in_a_text_stays_visible_as_text():
    assert "&lt;b&gt;bold?&lt;/b&gt;" in render("<b>bold?</b>")


def test_nothing_of_a_text_vanishes_as_a_reference_definition():
    assert "https://example.org" in render("[1]: https://example.org")


def test_single_line_breaks_are_kept():
    assert "one<br" in render("one\ntwo")


def test_links_of_the_web_live_but_tell_nothing_about_us():
    assert render("[x](https://example.org)") == (
        '<p><a href="https://example.org" rel="noopener noreferrer nofollow">x</a></p>\n'
    )


def test_a_very_long_line_is_rendered_whole():
    assert "a" * 100_000 in render("a" * 100_000)


def test_a_very_long_text_is_shown_as_it_was_written():
    html = render("<b>**x**</b>\n" * 10_000)

    assert html.startswith("<p>&lt;b&gt;**x**&lt;/b&gt;<br>")
    assert isinstance(html, SafeString)
