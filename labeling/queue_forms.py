"""Managers' forms about who is handed what. The actions judge what is sent."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from labeling.manager_forms import DomainForm, TaskFilterForm
from labeling.models import Membership, Project, Task, TaskSet, User

PAIR = re.compile(r"([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*[:=\s]\s*([+-]?\d{1,6})")


class QueueForm(DomainForm):
    """The project's settings of who is handed what, and how much at a time."""

    open_tasks = forms.IntegerField(
        label=_("Tasks open per person"),
        min_value=1,
        max_value=100,
        help_text=_(
            "So many a person may have open at a time, the next one held ready included; "
            "others get what they would hoard."
        ),
    )
    language_priorities = forms.CharField(
        label=_("Languages first"),
        required=False,
        help_text=_(
            "A language and a number each, such as zh 10, ja 5: it is added to the priority of every task "
            "in that language, and the highest goes out first. Holds at once, for open tasks too."
        ),
    )
    gold_share = forms.FloatField(
        label=_("Rankings with a known answer (%)"),
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text=_("So much of what a person ranks is gold, while there is some; nothing tells which."),
    )
    requires_qualification = forms.BooleanField(
        label=_("People qualify first"),
        required=False,
        help_text=_("Whoever is not qualified is given the tasks of the qualification and no others."),
    )
    qualification_tasks = forms.IntegerField(
        label=_("Tasks it takes to qualify"),
        min_value=1,
        max_value=100,
        help_text=_("At least so many; set their answers on the tasks' pages."),
    )
    qualification_share = forms.FloatField(
        label=_("Agreement it takes to qualify (%)"),
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text=_("Pairs of outputs in the order of the known answer; a tie counts as half a pair."),
    )

    @classmethod
    def of(cls, project: Project, data: Any = None) -> "QueueForm":
        priorities = sorted(project.language_priorities.items(), key=lambda pair: (-pair[1], pair[0]))
        initial = {
            "open_tasks": project.open_tasks,
            "language_priorities": ", ".join(f"{code} {number}" for code, number in priorities),
            "gold_share": f"{100 * project.gold_share:g}",
            "requires_qualification": project.requires_qualification,
            "qualification_tasks": project.qualification_tasks,
            "qualification_share": f"{100 * project.qualification_share:g}",
        }
        return cls(data, initial=initial, auto_id="queue-%s")

    def clean_language_priorities(self) -> dict[str, int]:
        found = {}
        for part in re.split(r"[,;，、\n]+", self.cleaned_data["language_priorities"]):
            if not part.strip():
                continue
            pair = PAIR.fullmatch(part.strip())
            if pair is None:
                raise forms.ValidationError(
                    gettext("Write a language and a number, such as zh 10, instead of %s.") % part.strip()
                )
            found[pair[1].lower()] = int(pair[2])
        return found

    def wish(self) -> dict[str, Any]:
        """What to call change_queue with."""
        sent = self.cleaned_data
        return sent | {name: sent[name] / 100 for name in ("gold_share", "qualification_share")}


class ReferenceForm(forms.Form):
    """What a task with a known answer is for. The places of its outputs are fields of their own."""

    purpose = forms.ChoiceField(
        choices=[(purpose.value, purpose.label) for purpose in (Task.Purpose.GOLD, Task.Purpose.QUALIFY)]
    )

    @property
    def places(self) -> list[tuple[int, int]]:
        """(slot, place) of every output that was given a number."""
        sent = ((slot, str(self.data.get(f"place-{slot}", "")).strip()) for slot in range(1, 10))
        return [(slot, int(place)) for slot, place in sent if re.fullmatch(r"[0-9]{1,3}", place)]


class TaskSetForm(DomainForm):
    """A set of tasks: its name, and for whom they are."""

    name = forms.CharField(label=_("Name"), max_length=120)
    group = forms.ChoiceField(
        label=_("For everybody of the group"),
        required=False,
        choices=[("", "–"), *Membership.Group.choices],
    )
    people = forms.ModelMultipleChoiceField(
        label=_("For these people"),
        required=False,
        queryset=User.objects.none(),
        to_field_name="public_id",
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Without a group and without people, the tasks are for everybody."),
    )

    def __init__(self, data: Any, *, project: Project, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial, auto_id="set-%s")
        people = self.fields["people"]
        assert isinstance(people, forms.ModelMultipleChoiceField)
        here = project.memberships.values("user")
        people.queryset = User.objects.filter(pk__in=here).order_by("name", "email")

    @classmethod
    def of(cls, task_set: TaskSet, data: Any = None) -> "TaskSetForm":
        initial = {
            "name": task_set.name,
            "group": task_set.group,
            "people": [person.public_id for person in task_set.people.all()],
        }
        return cls(data, project=task_set.project, initial=initial)


class FillForm(TaskFilterForm):
    """Which tasks go into a set, or out of it."""

    most = forms.IntegerField(label=_("At most"), required=False, min_value=1, max_value=1_000_000_000)
