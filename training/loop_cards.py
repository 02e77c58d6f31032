"""The loop in words: eight stages with their count, their state, what they wait for and what starts them.

Presentation for the loop page; what is true comes from training.queries.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labeling.models import Task
from training.models import ModelVersion, Run
from training.queries.loop import LoopFacts, newest_policy_input

TONES = {
    Run.Status.QUEUED: "",
    Run.Status.RUNNING: "accent",
    Run.Status.FAILED: "danger",
    Run.Status.CANCELLED: "warning",
}


@dataclass(frozen=True)
class Flow:
    """What flows to the next stage: a figure and what it is. is_live: there is something to pass on."""

    figure: str
    label: str
    is_live: bool


@dataclass(frozen=True)
class Stage:
    """A card of the loop. waits_for: one sentence. for_people: the call on them, when it is their turn."""

    key: str
    title: str
    count: int
    unit: str
    waits_for: str
    flow: Flow
    state: str = ""
    tone: str = ""
    for_people: str = ""
    run: Run | None = None
    progress: tuple[int, int] | None = None
    start_kind: str = ""  # the kind of run that its button starts
    task_kind: str = ""  # the kind of task that its button hands out
    decide_on: ModelVersion | None = None


def loop_stages(facts: LoopFacts) -> list[Stage]:
    """The stages from prompts to the decision, each with the flow that leaves it."""
    return [
        _prompts(facts),
        _demonstrations(facts),
        _sft(facts),
        _sampling(facts),
        _rankings(facts),
        _reward_model(facts),
        _ppo(facts),
        _decision(facts),
    ]


def calls_on_people(stages: list[Stage]) -> list[Stage]:
    """Where it is people's turn, in the order of the loop."""
    return [stage for stage in stages if stage.for_people]


def _prompts(facts: LoopFacts) -> Stage:
    total = sum(facts.prompts.values())
    splits = {split: facts.prompts.get(split, 0) for split in ("train", "valid", "test")}
    sizes = _("%(train)d train, %(valid)d valid, %(test)d test.") % splits
    open_tasks = facts.tasks[Task.Kind.DEMONSTRATE].open
    return Stage(
        key="prompts",
        title=_("Prompts"),
        count=total,
        unit=ngettext("prompt", "prompts", total),
        state="" if total else _("empty"),
        waits_for=sizes if total else _("Waits for the first prompts."),
        flow=Flow(str(open_tasks), _("to answer"), open_tasks > 0),
    )


def _demonstrations(facts: LoopFacts) -> Stage:
    counts = facts.tasks[Task.Kind.DEMONSTRATE]
    new = facts.new_since_last(Run.Kind.SFT, "demonstrations", counts.submissions)
    calls = ngettext("%d prompt waits for an answer", "%d prompts wait for an answer", counts.open)
    return Stage(
        key="demonstrations",
        title=_("Demonstrations"),
        count=counts.submissions,
        unit=ngettext("demonstration", "demonstrations", counts.submissions),
        state=_("to do") if counts.open else "",
        tone="warning" if counts.open else "",
        for_people=calls % counts.open if counts.open else "",
        waits_for=_("No prompt is open for an answer."),
        task_kind=Task.Kind.DEMONSTRATE if counts.open else "",
        flow=Flow(str(new), _("new"), new > 0),
    )


def _sft(facts: LoopFacts) -> Stage:
    written = facts.tasks[Task.Kind.DEMONSTRATE].submissions
    new = facts.new_since_last(Run.Kind.SFT, "demonstrations", written)
    count = facts.versions.get(ModelVersion.Kind.SFT, 0)
    promoted = facts.promoted
    if promoted is None:
        waits_for, can_start = _("Waits for a promoted policy to start from."), False
    elif not written:
        waits_for, can_start = _("Waits for the first demonstration."), False
    elif new:
        text = ngettext("%d demonstration is new to it.", "%d demonstrations are new to it.", new)
        waits_for, can_start = text % new, True
    else:
        waits_for, can_start = _("Has read every demonstration; waits for more."), True
    return _with_run(
        facts,
        Run.Kind.SFT,
        can_start,
        title=_("SFT"),
        count=count,
        unit=ngettext("supervised model", "supervised models", count),
        waits_for=waits_for,
        flow=Flow(f"v{promoted.number}" if promoted else "–", _("policy"), promoted is not None),
    )


def _sampling(facts: LoopFacts) -> Stage:
    open_tasks = facts.tasks[Task.Kind.RANK].open
    run = facts.used.get(Run.Kind.SAMPLE)
    if facts.promoted is None:
        waits_for = _("Waits for a promoted policy.")
    elif run is None or newest_policy_input(run) != facts.promoted:
        waits_for = _("%s has not been sampled yet.") % _short(facts.promoted)
    elif open_tasks:
        waits_for = _("Waits for the rankings of round %d.") % run.round
    else:
        waits_for = _("Every set of outputs is ranked: sample again for the next round.")
    return _with_run(
        facts,
        Run.Kind.SAMPLE,
        facts.promoted is not None and bool(facts.prompts),
        title=_("Sampling"),
        count=facts.outputs,
        unit=ngettext("output", "outputs", facts.outputs),
        waits_for=waits_for,
        flow=Flow(str(open_tasks), _("to rank"), open_tasks > 0),
    )


def _rankings(facts: LoopFacts) -> Stage:
    counts = facts.tasks[Task.Kind.RANK]
    new = facts.new_since_last(Run.Kind.REWARD_MODEL, "rankings", counts.submissions)
    calls = ngettext(
        "%d set of outputs waits to be ranked", "%d sets of outputs wait to be ranked", counts.open
    )
    return Stage(
        key="rankings",
        title=_("Rankings"),
        count=counts.submissions,
        unit=ngettext("ranking", "rankings", counts.submissions),
        state=_("to do") if counts.open else "",
        tone="warning" if counts.open else "",
        for_people=calls % counts.open if counts.open else "",
        waits_for=_("Waits for outputs to rank."),
        task_kind=Task.Kind.RANK if counts.open else "",
        flow=Flow(str(new), _("new"), new > 0),
    )


def _reward_model(facts: LoopFacts) -> Stage:
    ranked = facts.tasks[Task.Kind.RANK].submissions
    new = facts.new_since_last(Run.Kind.REWARD_MODEL, "rankings", ranked)
    count = facts.versions.get(ModelVersion.Kind.REWARD_MODEL, 0)
    if facts.promoted is None:
        waits_for, can_start = _("Waits for a promoted policy to start from."), False
    elif not ranked:
        waits_for, can_start = _("Waits for the first ranking."), False
    elif new:
        text = ngettext("%d ranking is new to it.", "%d rankings are new to it.", new)
        waits_for, can_start = text % new, True
    else:
        waits_for, can_start = _("Has read every ranking; waits for more."), True
    version = facts.reward_model
    return _with_run(
        facts,
        Run.Kind.REWARD_MODEL,
        can_start,
        title=_("Reward model"),
        count=count,
        unit=ngettext("reward model", "reward models", count),
        waits_for=waits_for,
        flow=Flow(f"v{version.number}" if version else "–", _("scores"), version is not None),
    )


def _ppo(facts: LoopFacts) -> Stage:
    count = facts.succeeded.get(Run.Kind.PPO, 0)
    run, reward_model = facts.used.get(Run.Kind.PPO), facts.reward_model
    if reward_model is None:
        waits_for = _("Waits for a reward model.")
    elif facts.promoted is None:
        waits_for = _("Waits for a promoted policy to start from.")
    elif run is None or reward_model.pk not in {i.model_version_id for i in run.inputs.all()}:
        waits_for = _("Reward model v%d has not been used yet.") % reward_model.number
    else:
        waits_for = _("Has used the newest reward model; waits for the next.")
    candidates = len(facts.candidates)
    return _with_run(
        facts,
        Run.Kind.PPO,
        reward_model is not None and facts.promoted is not None,
        title=_("PPO"),
        count=count,
        unit=ngettext("trained policy", "trained policies", count),
        waits_for=waits_for,
        flow=Flow(str(candidates), _("to decide"), candidates > 0),
    )


def _decision(facts: LoopFacts) -> Stage:
    newest = next(iter(facts.candidates), None)
    for_people = _("%s waits for a decision") % _short(newest) if newest else ""
    if facts.promoted is not None:
        waits_for = _("%s is the policy. Waits for a candidate.") % _short(facts.promoted)
    else:
        waits_for = _("Waits for prompts, then for the model to start from.")
        if not newest and any(facts.prompts.values()):
            for_people = _("The model to start from waits to be chosen")
    return Stage(
        key="decision",
        title=_("Decision"),
        count=facts.promotions,
        unit=ngettext("promotion", "promotions", facts.promotions),
        state=_("to do") if for_people else "",
        tone="warning" if for_people else "",
        for_people=for_people,
        waits_for=waits_for,
        decide_on=newest,
        flow=Flow(
            _short(facts.promoted) if facts.promoted else "–", _("next round"), facts.promoted is not None
        ),
    )


def _with_run(facts: LoopFacts, kind: str, can_start: bool, *, waits_for: str, **fields: object) -> Stage:
    """A stage that runs: what its newest run does comes before what it waits for."""
    run = facts.runs.get(kind)
    common: dict[str, object] = {"key": kind, "run": run, **fields}
    pending = facts.pending_chain(kind)
    stage: Callable[..., Stage] = Stage
    if run is not None and not run.is_over:
        is_going = run.status == Run.Status.RUNNING and run.progress_total > 0
        return stage(
            **common,
            state=_("stopping") if run.is_cancelling else str(Run.Status(run.status).label),
            tone=TONES[Run.Status(run.status)],
            progress=(run.progress_done, run.progress_total) if is_going else None,
            waits_for=_(run.message) if run.message and not is_going else _doing(run),
        )
    if pending is not None:
        begun = bool(pending.runs.all())
        sentence = _("Waits for the reward model.") if begun else _("Waits for its snapshot.")
        return stage(**common, state=_("to come"), tone="accent", waits_for=sentence)
    if run is not None and run.status == Run.Status.FAILED:
        common |= {"state": _("failed"), "tone": "danger"}
        waits_for = _("The last run failed: see why, then start again.")
    return stage(**common, waits_for=waits_for, start_kind=kind if can_start else "")


def _doing(run: Run) -> str:
    if run.status == Run.Status.QUEUED:
        return _("Waits for a worker.")
    if not run.progress_total:
        return _("Has begun.")
    return _("%(done)s of %(total)s done.") % {
        "done": f"{run.progress_done:,}",
        "total": f"{run.progress_total:,}",
    }


def _short(version: ModelVersion) -> str:
    """Without the name in brackets: a card is narrow."""
    return f"{version.get_kind_display().capitalize()} v{version.number}"
