import time

import pytest

from labeling.highlighting import highlighted
from labeling.markdown import render


def test_comments_strings_numbers_and_keywords_have_their_color():
    code = 'def f(n):  # twice\n    return "a" * 2'

    assert highlighted(code, "Python") == (
        '<span class="code-keyword">def</span> f(n):  <span class="code-comment"># twice</span>\n'
        '    <span class="code-keyword">return</span> <span class="code-string">&quot;a&quot;</span>'
        ' * <span class="code-number">2</span>'
    )


def test_of_an_unknown_language_code_is_only_escaped():
    assert highlighted("if <b> # 1", "klingon") == "if &lt;b&gt; # 1"


def test_a_block_of_markdown_is_colored_and_its_own_tags_stay_text():
    html = str(render('```js\nlet x = 1; // <span class="code-string">\n```'))

    assert '<span class="code-keyword">let</span>' in html
    assert "&lt;span class=" in html
    assert "language-js" not in html


def test_no_class_gets_through_but_the_colors():
    assert "<span" not in render('<span class="danger">x</span> `<span class="code-string">`')


@pytest.mark.parametrize(
    "piece", ["/*", '"', "'", '"""', "\\", "`", "#", "-", "1.", "a", '"\\', "/*\n*", "\n"]
)
def test_no_code_takes_long_and_none_is_lost(piece):
    code = piece * (20_000 // len(piece))
    for language in ("python", "js", "php", "sql", "rust"):
        begun = time.process_time()

        html = highlighted(code, language)

        assert time.process_time() - begun < 0.5
        plain = html.replace("</span>", "")
        for kind in ("comment", "string", "number", "keyword"):
            plain = plain.replace(f'<span class="code-{kind}">', "")
        assert plain == highlighted(code, "unknown")
