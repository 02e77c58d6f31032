"""What a project can begin with: settings, guidelines in English and Chinese, a rubric."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from labeling.models import Project

GUIDELINES = Path(__file__).parent / "starter" / "templates"


@dataclass(frozen=True)
class ProjectTemplate:
    """settings: of create_project, where they differ from its defaults. rubric: a preset; empty: none."""

    key: str
    name: Any  # in the language of the page
    about: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    rubric: str = ""

    def guidelines(self, language: str) -> str:
        """In this language (zh-hans: in zh); empty where there are none."""
        path = GUIDELINES / f"{self.key}.{language.partition('-')[0]}.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""


TEMPLATES = {
    template.key: template
    for template in (
        ProjectTemplate(
            "ranking",
            _("InstructGPT ranking"),
            _("Six outputs, rated by InstructGPT's rubric, then ranked. 15 % are judged by three people."),
            {"completions_per_prompt": 6, "overlap_share": 0.15, "overlap_people": 3},
            "instructgpt",
        ),
        ProjectTemplate(
            "pairs",
            _("Two outputs, fast comparison"),
            _("Which of two is better, by one key. No rubric. 20 % are judged by two people."),
            {"completions_per_prompt": 2, "overlap_share": 0.2, "overlap_people": 2},
        ),
        ProjectTemplate(
            "demonstrations",
            _("Demonstrations"),
            _("People write the answer they would have liked to get, for supervised fine-tuning."),
        ),
        ProjectTemplate(
            "evaluation",
            _("Final evaluation"),
            _("Two outputs, truthful and harmless first, by InstructGPT's rubric; each by three people."),
            {
                "completions_per_prompt": 2,
                "overlap_share": 1.0,
                "overlap_people": 3,
                "criteria": Project.Criteria.EVALUATION,
            },
            "instructgpt",
        ),
    )
}
