"""Simulated annotators at work, through the same actions that people use."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from labeling import actions as labeling_actions
from labeling import queries as labeling_queries
from labeling.models import Assignment, Membership, Project, Task, User
from training.simulation import Preference, noisy_places, scale_for_agreement


@dataclass(frozen=True)
class Simulated:
    """What simulated annotators did. noise_scale: in units of the preference."""

    rankings: int
    noise_scale: float


def simulate_rankings(
    *,
    project: Project,
    preference: Preference,
    people: int = 4,
    agreement: float = 0.73,
    limit: int | None = None,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Simulated:
    """Have simulated annotators rank every open task, in turn, at most `limit` of them.

    The noise is sized on the open tasks, so that two of them would agree on the share `agreement` of
    pairs. on_progress: called with (done, total) after each ranking. May be ended at any time: each
    ranking is a submission of its own.
    """
    slates = [
        [preference(messages, text) for text in texts]
        for messages, texts in labeling_queries.open_slates(project)
    ]
    if not slates:
        return Simulated(0, 0.0)
    scale = scale_for_agreement(slates, agreement)
    annotators = [_annotator(project, number) for number in range(1, people + 1)]
    total = len(slates) if limit is None else min(limit, len(slates))
    done = 0
    while done < total:
        before = done
        for number, user in enumerate(annotators):
            if done == total:
                break
            assignment = labeling_actions.claim_task(user=user, project=project, kind=Task.Kind.RANK)
            if assignment is None:
                continue
            _rank(assignment, preference, scale, seed=f"{seed}/{number}")
            done += 1
            on_progress(done, total)
        if done == before:
            break
    return Simulated(done, scale)


def _annotator(project: Project, number: int) -> User:
    email = f"simulated-{number}.{project.public_id.hex[:12]}@simulated.invalid"
    user = User.objects.filter(email=email).first() or labeling_actions.add_person(
        email=email, name=f"Simulated {number}", kind=User.Kind.SIMULATED
    )
    labeling_actions.add_member(project=project, user=user, role=Membership.Role.ANNOTATOR)
    return user


def _rank(assignment: Assignment, preference: Preference, scale: float, *, seed: str) -> None:
    prompt = assignment.task.prompt
    rng = random.Random(f"{seed}/{prompt.dedupe_key}/{assignment.task.round}")
    # The noise belongs to the slot, not to where this annotator happened to see it.
    outputs = sorted(
        labeling_queries.outputs_of(assignment), key=lambda o: assignment.display_order[o.number - 1]
    )
    places = noisy_places([preference(prompt.messages, o.text) for o in outputs], scale, rng)
    labeling_actions.submit_ranking(
        assignment=assignment,
        places=[(output.number, place) for output, place in zip(outputs, places, strict=True)],
        idempotency_key="simulated",
    )
