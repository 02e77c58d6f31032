"""What a labeling project takes and what it buys: pure arithmetic, without a database.

A task is one prompt with its K outputs; a judgment is one person's ranking of them.
"""

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from labeling.agreement import Z

# InstructGPT, 3.4: how often two of its training labelers ordered a pair alike.
USUAL_AGREEMENT = 0.726
MINUTES_FOR_SIX = 6.5
SATURDAY = 5
MOST_WORKING_DAYS = 26_000


@dataclass(frozen=True)
class Workload:
    """minutes: of one judgment. overlap_share of the tasks go to overlap_people each, the others to one."""

    prompts: int
    completions_per_prompt: int
    overlap_share: float
    overlap_people: int
    minutes: float
    people: int
    hours_a_day: float  # of each of them
    hourly_rate: Decimal | None = None

    @property
    def shared_tasks(self) -> int:
        """Tasks that several people judge."""
        return round(self.prompts * self.overlap_share) if self.overlap_people > 1 else 0

    @property
    def judgments(self) -> int:
        return self.prompts + self.shared_tasks * (self.overlap_people - 1)

    @property
    def hours(self) -> float:
        return self.judgments * self.minutes / 60

    @property
    def cost(self) -> Decimal | None:
        if self.hourly_rate is None:
            return None
        return (Decimal(self.hours) * self.hourly_rate).quantize(Decimal("0.01"))

    @property
    def cost_of_a_judgment(self) -> Decimal | None:
        if self.hourly_rate is None:
            return None
        return (Decimal(self.minutes) / 60 * self.hourly_rate).quantize(Decimal("0.01"))

    @property
    def working_days(self) -> int:
        """Until the last judgment, everybody at work every working day."""
        return math.ceil(round(self.hours / (self.people * self.hours_a_day), 9))

    @property
    def effective_pairs(self) -> float:
        """How many independent pairs of outputs the shared tasks are worth for measuring agreement.

        K outputs give K(K−1)/2 pairs, but they share outputs. Agreement over all of them is a U-statistic of
        order 2, whose variance is at most 2/K of a single pair's (Hoeffding 1948, section 5; for Kendall's
        tau Daniels and Kendall 1947): a task is worth at least K/2 pairs. More than two people at a task
        judge the same outputs again and are counted as two. Both understate what one gets; that some tasks
        are harder than others, which is not known before the pilot, takes something off again.
        """
        return self.shared_tasks * self.completions_per_prompt / 2

    def agreement_half_width(self, share: float = USUAL_AGREEMENT) -> float | None:
        """Half of the 95 % interval of the pairwise agreement that is to be expected, at most.

        z √(a (1 − a) / n), the normal interval of a share a seen in n independent cases, with n the
        effective pairs. None where no task has two people.
        """
        if not self.shared_tasks:
            return None
        return Z * math.sqrt(share * (1 - share) / self.effective_pairs)

    @property
    def win_rate_half_width(self) -> float:
        """Half of the 95 % interval of a win-rate over these prompts, each judged once: z √(¼ / n).

        The prompt is the unit, and ½ · ½ the largest variance a win can have; ties only make it smaller.
        """
        return Z * math.sqrt(0.25 / self.prompts)


def usual_minutes(completions_per_prompt: int) -> float:
    """Minutes to rank K outputs before anything was measured: 6.5 at K = 6, in proportion to what is read."""
    return MINUTES_FOR_SIX * completions_per_prompt / 6


def last_day(begin: datetime.date, working_days: int) -> datetime.date | None:
    """The last of so many days from Monday to Friday, of which the first is `begin` or the Monday after.

    None when that is more than a hundred years away.
    """
    if working_days > MOST_WORKING_DAYS:
        return None
    first = begin + datetime.timedelta(days=7 - begin.weekday() if begin.weekday() >= SATURDAY else 0)
    weeks, rest = divmod(max(0, working_days - 1), 5)
    weekend = 2 if first.weekday() + rest >= SATURDAY else 0
    return first + datetime.timedelta(weeks=weeks, days=rest + weekend)


def alternatives(workload: Workload) -> Mapping[str, Workload]:
    """The same with other overlaps, from the cheapest to the dearest."""
    return {
        "none": replace(workload, overlap_share=0.0, overlap_people=1),
        "some": replace(workload, overlap_share=0.15, overlap_people=3),
        "all": replace(workload, overlap_share=1.0, overlap_people=2),
    }
