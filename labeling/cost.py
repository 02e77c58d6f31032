"""What people's time costs. The rate is a project's own; everything about money is computed here."""

from dataclasses import dataclass
from decimal import Decimal

from labeling.models import Project

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Cost:
    """Of the time that was measured. per_judgment: over the judgments whose time was measured."""

    total: Decimal
    per_judgment: Decimal | None
    currency: str


def cost_of(project: Project, *, seconds: int, judgments: int) -> Cost | None:
    """seconds: of work, for so many judgments; None while the project has no hourly rate."""
    if project.hourly_rate is None:
        return None
    total = project.hourly_rate * seconds / 3600
    each = (total / judgments).quantize(CENT) if judgments else None
    return Cost(total.quantize(CENT), each, project.currency)
