"""The figures of a run's result, named in words and with their intervals."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# In the order in which they are shown; one that is missing here comes last, under its own name.
TITLES: Mapping[str, Promise] = {
    "valid_accuracy": _("Pairs ordered as people did, valid"),
    "held_out_accuracy": _("Pairs ordered as people did, held-out annotators"),
    "valid_pairs": _("Pairs, valid"),
    "valid_rankings": _("Rankings, valid"),
    "valid_log_loss": _("Loss on valid, nats"),
    "valid_loss": _("Loss on valid, nats"),
    "valid_score": _("Score of its own completions, valid"),
    "valid_demonstrations": _("Demonstrations, valid"),
    "score_before": _("Score before"),
    "score_after": _("Score after"),
    "valid_prompts": _("Prompts, valid"),
    "kl": _("KL to the reference, nats"),
    "length": _("Length, tokens"),
    "length_before": _("Length before, tokens"),
    "length_after": _("Length after, tokens"),
    "eos_rate": _("Ended by themselves"),
    "eos_before": _("Ended by themselves before"),
    "eos_after": _("Ended by themselves after"),
    "completions": _("Completions"),
    "score_mean": _("Mean score"),
    "score_deviation": _("Deviation of the scores"),
    "spread_mean": _("Mean spread between the reward models"),
    "documents": _("Documents"),
    "valid_tokens": _("Tokens held out"),
    "tokens": _("Tokens"),
    "rankings": _("Rankings"),
    "demonstrations": _("Demonstrations"),
    "steps": _("Steps"),
    "chosen_step": _("Step of the saved model"),
    "score_bias": _("Score of demonstrations, taken off"),
    "left_out": _("Left out for their length"),
    "too_long": _("Left out for their length"),
    "all_tied": _("Left out as all tied"),
    "tokens_per_second": _("Tokens per second"),
    "seconds": _("Seconds"),
}
# Figure → the figure that counts what it was taken on, in words.
_PROMPTS = ("valid_prompts", _("%s prompts"))
TAKEN_ON: Mapping[str, tuple[str, Promise]] = {
    "valid_accuracy": ("valid_pairs", _("%s pairs")),
    "held_out_accuracy": ("held_out_pairs", _("%s pairs")),
    "valid_log_loss": ("valid_pairs", _("%s pairs")),
    "valid_loss": ("valid_demonstrations", _("%s demonstrations")),
    "score_before": _PROMPTS,
    "score_after": _PROMPTS,
}
SHARES = {"valid_accuracy", "held_out_accuracy", "eos_rate", "eos_before", "eos_after"}


@dataclass(frozen=True)
class Figure:
    """One figure: value, and the interval around it where the engine gave one."""

    title: str
    value: Any
    low: Any = None
    high: Any = None
    is_share: bool = False
    n: str = ""  # what it was taken on: "340 pairs"


def figures_of(metrics: Mapping[str, Any], *, without: Collection[str] = ()) -> list[Figure]:
    """Every figure but some; `x_low` and `x_high` become the interval of `x`."""
    order = {name: place for place, name in enumerate(TITLES)}
    names = sorted(metrics, key=lambda name: (order.get(name, len(order)), name))
    figures = [
        figure_of(metrics, name, is_share=name in SHARES)
        for name in names
        if name not in without
        if name.removesuffix("_low").removesuffix("_high") == name or not _has_interval(metrics, name)
    ]
    return [figure for figure in figures if figure is not None]


def figure_of(metrics: Mapping[str, Any], name: str, *, is_share: bool) -> Figure | None:
    """One figure with its interval; None where the result has none of this name."""
    if name not in metrics:
        return None
    return Figure(
        title=str(TITLES.get(name, name)),
        value=metrics[name],
        low=metrics.get(f"{name}_low"),
        high=metrics.get(f"{name}_high"),
        is_share=is_share,
        n=_n(metrics, name),
    )


def _n(metrics: Mapping[str, Any], name: str) -> str:
    counted, words = TAKEN_ON.get(name, ("", ""))
    count = metrics.get(counted)
    return str(words) % f"{count:,}" if isinstance(count, int) and count else ""


def _has_interval(metrics: Mapping[str, Any], name: str) -> bool:
    return name.removesuffix("_low").removesuffix("_high") in metrics
