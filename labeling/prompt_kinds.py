"""The three kinds of prompts that people write (InstructGPT, A.1), as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from labeling.models import Prompt

FEWEST_PAIRS = 2
MOST_PAIRS = 20
# How a few-shot prompt calls its parts, by the language it is written in.
NAMES = {"zh": ("问题：", "回答："), "": ("Query: ", "Response: ")}


@dataclass(frozen=True)
class Pair:
    """An example: something given, and what is to come of it."""

    query: str
    response: str

    @property
    def is_empty(self) -> bool:
        return not (self.query.strip() or self.response.strip())


@dataclass(frozen=True)
class WrittenPrompt:
    """What a person wrote. Each kind reads its own fields; the others may be filled and are left out."""

    kind: str
    text: str = ""  # plain and user-based
    use_case: str = ""  # user-based: who would ask this, and what for
    instruction: str = ""  # few-shot, as are pairs and the query that waits for its response
    pairs: tuple[Pair, ...] = ()
    query: str = ""

    def content(self, language: str) -> str:
        """The user's turn. Few-shot: the instruction, the pairs, and the last query, in one text."""
        if self.kind != Prompt.Source.FEW_SHOT:
            return self.text.strip()
        query, response = NAMES.get(language.split("-")[0], NAMES[""])
        examples = [
            f"{query}{pair.query.strip()}\n{response}{pair.response.strip()}" for pair in self.filled_pairs
        ]
        last = f"{query}{self.query.strip()}\n{response.rstrip()}"
        return "\n\n".join([self.instruction.strip(), *examples, last])

    @property
    def filled_pairs(self) -> list[Pair]:
        return [pair for pair in self.pairs if not pair.is_empty]

    def parts(self) -> dict[str, Any]:
        """What the prompt was made of, for its metadata."""
        if self.kind == Prompt.Source.FEW_SHOT:
            pairs = [
                {"query": pair.query.strip(), "response": pair.response.strip()} for pair in self.filled_pairs
            ]
            return {"instruction": self.instruction.strip(), "pairs": pairs, "query": self.query.strip()}
        return {"use_case": self.use_case.strip()} if self.kind == Prompt.Source.USER_BASED else {}

    def problems(self) -> Mapping[str, str]:
        """Field → what is missing there."""
        if self.kind == Prompt.Source.FEW_SHOT:
            return self._problems_of_few_shot()
        found = {}
        if self.kind == Prompt.Source.USER_BASED and not self.use_case.strip():
            found["use_case"] = _("Imagine somebody who would ask this, and say what for.")
        if not self.text.strip():
            found["prompt"] = _("Write the prompt.")
        return found

    def _problems_of_few_shot(self) -> dict[str, str]:
        found = {}
        if not self.instruction.strip():
            found["instruction"] = _("Write the instruction that all pairs follow.")
        if len(self.filled_pairs) < FEWEST_PAIRS:
            found["pairs"] = _("Write two pairs or more.")
        elif len(self.filled_pairs) > MOST_PAIRS:
            found["pairs"] = _("Twenty pairs are enough.")
        elif any(not (pair.query.strip() and pair.response.strip()) for pair in self.filled_pairs):
            found["pairs"] = _("Each pair has a query and a response; complete or remove the others.")
        if not self.query.strip():
            found["query"] = _("Write the query that waits for its response.")
        return found
