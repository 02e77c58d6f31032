"""Prompts that say nearly the same: found by the index of words, compared by pairs of neighbouring words."""

import re
from dataclasses import dataclass
from itertools import combinations, pairwise

from django.contrib.postgres.search import SearchQuery

from labeling.likeness import likeness, runs_of
from labeling.models import Project, Prompt
from labeling.models.prompts import SearchVector

RUN = 2  # words in a row
NEAR = 0.5
MOST_CANDIDATES = 200
MOST_SHOWN = 3
MOST_CHARACTERS = 20_000  # of each text; who says the same so far says the same
TERMS = 6  # of each sort
MOST_TERMS = 8
SHARED_TERMS = 3
LONGEST_TERM = 100
# Characters that are written without spaces are words, as in labeling_words (migration 0003).
ALONE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(f"[{ALONE}]|[^\\W_{ALONE}]+")
STANDS_ALONE = re.compile(f"[{ALONE}]")


@dataclass(frozen=True)
class Similar:
    prompt: Prompt
    likeness: float  # of their pairs of neighbouring words

    @property
    def text(self) -> str:
        return _text_of(self.prompt)


def similar_prompts(project: Project, text: str) -> list[Similar]:
    """The project's prompts that are at least half like this text, most like it first."""
    words = _words(text)
    query = _query(words)
    if query is None:
        return []
    candidates = Prompt.objects.annotate(words=SearchVector("messages")).filter(project=project, words=query)
    own = runs_of(words, RUN)
    found = [
        Similar(prompt, likeness(own, runs_of(_words(_text_of(prompt)), RUN)))
        for prompt in candidates[:MOST_CANDIDATES]
    ]
    near = [one for one in found if one.likeness >= NEAR]
    return sorted(near, key=lambda one: -one.likeness)[:MOST_SHOWN]


def _text_of(prompt: Prompt) -> str:
    return "\n\n".join(message["content"] for message in prompt.messages)


def _words(text: str) -> list[str]:
    return WORD.findall(text[:MOST_CHARACTERS].casefold())


def _query(words: list[str]) -> SearchQuery | None:
    """Three of the text's rarest terms: its longest words, and pairs of characters from all along it."""
    terms = [f"'{word}'" for word in _longest(words)] + [f"('{a}' <-> '{b}')" for a, b in _pairs(words)]
    if not terms:
        return None
    together = combinations(terms[:MOST_TERMS], min(SHARED_TERMS, len(terms)))
    query = " | ".join(f"({' & '.join(some)})" for some in together)
    return SearchQuery(query, config="simple", search_type="raw")


def _longest(words: list[str]) -> list[str]:
    spaced = {word for word in words if not STANDS_ALONE.match(word) and len(word) <= LONGEST_TERM}
    return sorted(spaced, key=lambda word: (-len(word), word))[:TERMS]


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    neighbours = [pair for pair in pairwise(words) if all(map(STANDS_ALONE.match, pair))]
    step = max(1, len(neighbours) // TERMS)
    return list(dict.fromkeys(neighbours[::step][:TERMS]))
