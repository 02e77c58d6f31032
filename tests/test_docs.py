"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

BASE_DIR = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*BASE_DIR.glob("docs/*.md"), *BASE_DIR.glob("README*.md"), BASE_DIR / "CONTRIBUTING.md"])
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)#]+)\)")


def links(document: Path) -> list[tuple[str, Path]]:
    return [
        (match["text"], (document.parent / match["target"]).resolve())
        for match in LINK.finditer(document.read_text())
        if "://" not in match["target"]
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_leads_to_a_file_and_a_name_to_its_definition(document):
    lost = []
    for text, target in links(document):
        if not target.exists():
            lost.append(str(target))
        elif target.suffix == ".py" and (name := re.fullmatch(r"`(\w+)`", text)):
            defined = rf"^\s*(def|class) {name[1]}\b|^{name[1]}\b.*="
            if not re.search(defined, target.read_text(), re.MULTILINE):
                lost.append(f"{name[1]} in {target}")

    assert lost == []


def test_a_make_target_that_the_documents_name_exists():
    makefile = (BASE_DIR / "Makefile").read_text()
    named = {
        word for path in DOCUMENTS for word in re.findall(r"(?:`|^)make (\w[\w-]*)", path.read_text(), re.M)
    }

    assert "run" in named
    assert {word for word in named if not re.search(rf"^{word}:", makefile, re.M)} == set()


def test_every_page_of_the_documents_is_reached_from_the_readme():
    reached, to_read = set(), [BASE_DIR / "README.md"]
    while to_read:
        page = to_read.pop()
        if page not in reached:
            reached.add(page)
            to_read += [target for _text, target in links(page) if target.suffix == ".md" and target.exists()]

    assert {path.name for path in BASE_DIR.glob("docs/*.md") if path not in reached} == set()


def test_every_golden_test_has_a_letter_a_claim_and_at_least_one_test():
    page = (BASE_DIR / "docs" / "instructgpt.md").read_text()
    table = page.partition("## Golden tests")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "](" in line
    ]

    assert [letter for letter, _, _ in rows] == list("abcdefghijk")
    for _, claim, named in rows:
        tests = [(match["text"].strip("`"), match["target"]) for match in LINK.finditer(named)]
        assert claim
        assert tests
        for test, target in tests:
            assert re.search(rf"^def {test}\(", (BASE_DIR / "docs" / target).read_text(), re.MULTILINE), test
            assert test.startswith("test_")
