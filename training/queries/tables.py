"""Figures of a result that are read side by side: how a reward model judges, and the best of n."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from training.queries.figures import Figure, figure_of

# What a reward model was measured on; the beginnings of the figures' names.
SETS: Mapping[str, Promise] = {
    "valid": gettext_lazy("Valid prompts"),
    "held_out": gettext_lazy("Held-out annotators"),
}
# The rest of their names, in the order of the table. (title, whether it is a share)
JUDGMENT: Mapping[str, tuple[Promise, bool]] = {
    "accuracy": (gettext_lazy("Pairs ordered as people did"), True),
    "accuracy_longer": (gettext_lazy("… where people chose the longer one"), True),
    "accuracy_shorter": (gettext_lazy("… where people chose the shorter one"), True),
    "longer_wins": (gettext_lazy("Always choosing the longer one would order"), True),
    "best_found": (gettext_lazy("The highest score is a first place"), True),
    "tau": (gettext_lazy("Kendall's tau, mean over rankings"), False),
    "log_loss": (gettext_lazy("Log loss, nats per pair"), False),
    "ece": (gettext_lazy("Calibration error (ECE)"), True),
    "length_correlation": (gettext_lazy("Correlation of score and length within a ranking"), False),
}
_SETS, _KEYS = "|".join(SETS), "|".join(sorted(JUDGMENT, key=len, reverse=True))
_BY_NUMBER = re.compile(rf"(?:{_SETS})_accuracy_(gap|k)_(\d+)")
_JUDGMENT = re.compile(rf"({_SETS})_({_KEYS}|accuracy_(?:gap|k)_\d+|pairs|rankings)")
_BEST_OF_N = re.compile(r"best_of_(\d+)_(score|prompts|kl_bound)")


@dataclass(frozen=True)
class Table:
    """columns: (title, what it was taken on). rows: (label, a figure per column or None)."""

    title: str
    columns: list[tuple[str, str]]
    rows: list[tuple[str, list[Figure | None]]]


def is_in_a_table(name: str, metrics: Mapping[str, Any]) -> bool:
    """Whether a table shows this figure; the accuracies over all pairs stand beside the others as well."""
    bare = re.sub("_(low|high)$", "", name)
    judged = _JUDGMENT.fullmatch(bare)
    if judged is not None:
        return judged[2] != "accuracy" and f"{judged[1]}_tau" in metrics
    return _BEST_OF_N.fullmatch(bare) is not None


def tables_of(metrics: Mapping[str, Any]) -> list[Table]:
    """The tables that a result gives; none where there is nothing to lay side by side."""
    return [table for table in (_judgment(metrics), _best_of_n(metrics)) if table.rows]


def _judgment(metrics: Mapping[str, Any]) -> Table:
    measured = [name for name in SETS if f"{name}_tau" in metrics]
    found = {(by[1], int(by[2])) for name in metrics if (by := _BY_NUMBER.fullmatch(name))}
    named = {key: (str(title), is_share) for key, (title, is_share) in JUDGMENT.items()}
    titles = {key: named.pop(key) for key in ("accuracy", "accuracy_longer", "accuracy_shorter")}
    titles |= {f"accuracy_{of}_{n}": (_label(of, n), True) for of, n in sorted(found)} | named
    rows = [
        (title, [figure_of(metrics, f"{name}_{key}", is_share=is_share) for name in measured])
        for key, (title, is_share) in titles.items()
    ]
    rows = [row for row in rows if any(row[1])] if measured else []
    return Table(_("How it judges"), [(str(SETS[name]), _taken_on(metrics, name)) for name in measured], rows)


def _label(of: str, n: int) -> str:
    if of == "k":
        return _("… in rankings of %s outputs") % n
    return ngettext("… that are %s place apart", "… that are %s places apart", n) % n


def _taken_on(metrics: Mapping[str, Any], name: str) -> str:
    return _("%(pairs)s pairs of %(rankings)s rankings") % {
        "pairs": f"{metrics.get(f'{name}_pairs', 0):,}",
        "rankings": f"{metrics.get(f'{name}_rankings', 0):,}",
    }


def _best_of_n(metrics: Mapping[str, Any]) -> Table:
    numbers = sorted({int(found[1]) for name in metrics if (found := _BEST_OF_N.fullmatch(name))})
    columns = {
        "score": _("Mean score of the best"),
        "kl_bound": _("Divergence from the policy at most, nats"),
        "prompts": _("Prompts"),
    }
    rows = [
        (
            _("Best of %s") % n,
            [figure_of(metrics, f"best_of_{n}_{key}", is_share=False) for key in columns],
        )
        for n in numbers
    ]
    return Table(_("Best of n"), [(title, "") for title in columns.values()], rows)
