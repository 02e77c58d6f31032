"""A pilot: the same tasks for everybody, then all the rest."""

from collections import defaultdict

from django.db import transaction
from django.db.models import Min
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labeling.actions import audit
from labeling.actions.opening import HIGHEST_PRIORITY, lock_opening, open_for, start_opening
from labeling.actions.selections import give_seats
from labeling.errors import Conflict, DomainError
from labeling.models import Pilot, Project, Prompt, Task, Transfer, User
from labeling.pilot_queries import annotators_by_language, pilot_prompts, pilot_prompts_by_language
from labeling.pilots import shares_of
from labeling.selections import USUAL_SPLITS, Selection

USUAL_SIZE = 50
LARGEST = 500


@transaction.atomic
def start_pilot(*, project: Project, actor: User | None, kind: str, size: int = USUAL_SIZE) -> Pilot:
    """Tasks of one kind for so many prompts, drawn by chance, each language in proportion; before all others.

    Each task is wanted by every annotator who works in its language, also by those who come in later
    (widen_pilots). A task of a prompt that is open already
    and that nobody has begun becomes the pilot's; other prompts get a task. Refuses while a pilot is under
    way (Conflict), a size out of range, and where prompts or annotators of a language are missing.
    """
    if kind not in Task.Kind.values:
        raise DomainError("unknown_kind", _("There are no tasks of the kind %s.") % kind)
    if not 1 <= size <= LARGEST:
        message = _("A pilot has 1 to %s tasks.") % LARGEST
        raise DomainError("bad_size", message, {"size": message})
    lock_opening(project)
    if project.pilots.filter(ended_at=None).exists():
        raise Conflict("pilot_under_way", _("A pilot is under way: end it before you start another."))
    shares = shares_of(pilot_prompts_by_language(project, kind), size)
    if not shares:
        raise DomainError("nothing_to_pilot", _no_prompts(kind))
    people = annotators_by_language(project, shares)
    if alone := [language for language, n in people.items() if not n]:
        message = _("Nobody can work in %s: add an annotator for it first.") % ", ".join(alone)
        raise DomainError("nobody_in_language", message)
    tasks = [
        task for language, n in shares.items() for task in _draw(project, kind, language, n, people[language])
    ]
    if not tasks:
        raise DomainError("nothing_to_pilot", _no_prompts(kind))
    pilot = Pilot.objects.create(project=project, kind=kind, started_by=actor)
    pilot.tasks.add(*tasks)
    data = {"kind": kind, "tasks": len(tasks)}
    audit.record("pilot_started", actor=actor, project=project, subject=pilot, data=data)
    return pilot


@transaction.atomic
def end_pilot(*, pilot: Pilot, actor: User | None) -> None:
    """It is over; what is open of it stays open. Ending twice is ending once."""
    if Pilot.objects.filter(pk=pilot.pk, ended_at=None).update(ended_at=Now()):
        audit.record("pilot_ended", actor=actor, project=pilot.project, subject=pilot)


def widen_pilots() -> int:
    """A seat for whoever came in since a pilot under way began; returns how many tasks got some."""
    return sum(_widen(pilot) for pilot in Pilot.objects.filter(ended_at=None).select_related("project"))


@transaction.atomic
def _widen(pilot: Pilot) -> int:
    locked = list(
        pilot.tasks.exclude(status=Task.Status.WITHDRAWN).select_for_update(of=("self",)).order_by("pk")
    )
    people = annotators_by_language(pilot.project, {task.language for task in locked})
    lacking: dict[int, list[int]] = defaultdict(list)
    for task in locked:
        lacking[people[task.language] - task.seats_wanted].append(task.pk)
    return sum(give_seats(tasks, seats=seats, actor=None) for seats, tasks in lacking.items() if seats > 0)


@transaction.atomic
def open_the_rest(*, pilot: Pilot, actor: User | None) -> Transfer | None:
    """Go: the pilot is over, and a worker opens tasks for every prompt that has none; None: all have one."""
    end_pilot(pilot=pilot, actor=actor)
    rest = Selection(kind=pilot.kind, splits=USUAL_SPLITS[Task.Kind(pilot.kind)])
    if not rest.prompts(pilot.project).exists():
        return None
    return start_opening(project=pilot.project, actor=actor, selection=rest)


def _draw(project: Project, kind: str, language: str, size: int, people: int) -> list[Task]:
    """Tasks for so many prompts of one language. Public ids are random, so their order is a draw."""
    drawn = pilot_prompts(project, kind).filter(language=language).order_by("public_id")
    prompts = list(drawn.select_for_update(no_key=True, of=("self",)).select_related("project")[:size])
    taken = _take_over(prompts, kind, people)
    others = [prompt for prompt in prompts if prompt.pk not in {task.prompt_id for task in taken}]
    opened = open_for(others, kind=kind, round=1, priority=HIGHEST_PRIORITY, seats=lambda prompt: people)
    return [*taken, *opened.tasks]


def _take_over(prompts: list[Prompt], kind: str, people: int) -> list[Task]:
    """One open task of each prompt that has some, as it is, with a seat for everybody."""
    tasks = Task.objects.filter(
        prompt__in=prompts, kind=kind, purpose=Task.Purpose.COLLECT, status=Task.Status.OPEN
    )
    first = tasks.order_by().values("prompt").annotate(first=Min("pk")).values("first")
    own = Task.objects.filter(pk__in=list(first.values_list("first", flat=True)))
    own.update(seats_wanted=people, priority=HIGHEST_PRIORITY)
    return list(own)


def _no_prompts(kind: str) -> str:
    if kind == Task.Kind.RANK:
        return _(
            "No prompt has two outputs and waits for its first judgment: sample outputs, or import some."
        )
    return _("Every prompt has an answer or somebody at work on it: import more prompts first.")
