"""Brings the Chinese catalog up to date with the code (python -m tests.messages).

New sentences enter it untranslated, gone ones leave it, the .mo is written anew. It needs no gettext.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib
from django.utils.translation.template import templatize

from training.engine.config import CONFIG_TYPES, fields_of
from training.engine.config_presets import PRESETS
from training.setting_names import in_words

BASE_DIR = Path(__file__).resolve().parent.parent
PACKAGES = ("config", "labeling", "training")
CATALOG = BASE_DIR / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
# How the sentence, its plural and its context stand among the arguments.
MARKERS = {"_": "s", "gettext": "s", "gettext_lazy": "s", "gettext_noop": "s", "ngettext": "sp"}
MARKERS |= {"ngettext_lazy": "sp", "pgettext": "cs", "pgettext_lazy": "cs", "npgettext": "csp"}
LITERAL = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
IN_TEMPLATE = re.compile(rf"\b(n?p?gettext|_)\(\s*{LITERAL}(?:\s*,\s*{LITERAL})?(?:\s*,\s*{LITERAL})?")


class Message(NamedTuple):
    text: str
    plural: str = ""
    context: str | None = None


def messages() -> dict[Message, list[str]]:
    """Every sentence of the interface → the files it stands in."""
    found: dict[Message, list[str]] = {}
    for path, in_file in _files():
        name = str(path.relative_to(BASE_DIR))
        for message in in_file:
            places = found.setdefault(message, [])
            if name not in places:
                places.append(name)
    # A catalog holds a sentence once: its entry with a plural answers for the one without, too.
    with_plural = {(message.text, message.context): message for message in found if message.plural}
    for message in [m for m in found if not m.plural and (m.text, m.context) in with_plural]:
        places = found[with_plural[message.text, message.context]]
        places += [place for place in found.pop(message) if place not in places]
    return found


def in_python(source: str) -> Iterator[Message]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [a.value if isinstance(a, ast.Constant) else None for a in node.args]
        if name in MARKERS and all(isinstance(t, str) for t in texts[: len(MARKERS[name])]) and texts:
            yield _message(MARKERS[name], texts)


def in_template(source: str) -> Iterator[Message]:
    for match in IN_TEMPLATE.finditer(templatize(source)):
        texts = [ast.literal_eval(text) for text in match.groups()[1:] if text is not None]
        yield _message(MARKERS[match[1]], texts)


def in_engine() -> Iterator[Message]:
    """What the form of a run says of its settings. Papers keep their names; what else a source says is
    translated."""
    sources = set()
    for preset in PRESETS.values():
        yield from (Message(preset.name), Message(preset.help))
        sources |= {entry.source for fields in preset.values.values() for entry in fields.values()}
    for text in ("steps", "step", "completions", "completion", "starting"):  # units and states of progress
        yield Message(text)
    for kind in CONFIG_TYPES:
        for field in fields_of(kind):
            for text in (in_words(field.name), field.help, field.effect, field.unit):
                if text:
                    yield Message(text)
            sources.add(field.source)
    yield from (Message(part) for source in sources for part in source.split("; ") if part[:1].islower())


def key(entry: polib.POEntry) -> Message:
    return Message(entry.msgid, entry.msgid_plural or "", entry.msgctxt)


def update(catalog: Path = CATALOG) -> polib.POFile:
    known = polib.pofile(str(catalog))
    entries = {key(entry): entry for entry in known if not entry.obsolete}
    fresh = polib.POFile(wrapwidth=110)
    fresh.header, fresh.metadata = known.header, known.metadata
    for message, places in sorted(messages().items(), key=lambda item: (item[1][0], item[0].text)):
        entry = entries.get(message) or polib.POEntry(
            msgid=message.text,
            msgid_plural=message.plural,
            msgctxt=message.context,
            msgstr_plural={0: ""} if message.plural else {},
        )
        entry.occurrences = [(place, "") for place in places]
        if "%" in message.text and re.search(r"%[(sd]", message.text) and "python-format" not in entry.flags:
            entry.flags.append("python-format")
        fresh.append(entry)
    return fresh


def _files() -> Iterator[tuple[Path, Iterator[Message]]]:
    for package in PACKAGES:
        for path in sorted((BASE_DIR / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, in_python(path.read_text())
    yield BASE_DIR / "training" / "engine" / "config.py", in_engine()
    for path in sorted([*(BASE_DIR / "templates").rglob("*.html"), *(BASE_DIR / "templates").rglob("*.txt")]):
        yield path, in_template(path.read_text())


def _message(shape: str, texts: list) -> Message:
    by_role = dict(zip(shape, texts, strict=False))
    return Message(by_role["s"], by_role.get("p", ""), by_role.get("c"))


def main() -> None:
    catalog = update()
    catalog.save(str(CATALOG))
    catalog.save_as_mofile(str(CATALOG.with_suffix(".mo")))
    missing = [entry.msgid for entry in catalog if not entry.translated()]
    print(f"{len(catalog)} sentences, {len(missing)} without a translation")
    for text in missing:
        print(f"  {text!r}")


if __name__ == "__main__":
    main()
