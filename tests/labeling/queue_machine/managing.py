"""What managers change while people work at the queue."""

from labeling import actions
from labeling.models import Project, Suspension, Task, TaskSet

MANAGING = (
    "pause",
    *3 * ("resume",),
    "withdraw",
    "reopen",
    "change_many",
    "add_seats",
    "set_priority",
    *2 * ("put_into_set",),
    *2 * ("change_set",),
    "move_group",
    *2 * ("choose_languages",),
    "choose_topics",
    "mark",
    *2 * ("make_known",),
    "qualify",
    "lift_qualification",
    *4 * ("change_queue",),
    "cap_the_day",
    "suspend",
    *2 * ("lift_suspension",),
    "apply_overlap",
    "look",
)
MOST_TASKS = 18
LANGUAGES = ((), ("en",), ("zh",), ("en", "zh"))
TOPICS = ((), ("hate",), ("violence", "hate"))
GROUPS = ("", "training", "held_out")
QUEUE = (
    *({"gold_share": share} for share in (0.0, 0.5, 1.0)),
    *({"requires_qualification": asks} for asks in (True, False)),
    *({"open_tasks": most} for most in (1, 2, 3)),
    *({"language_priorities": extra} for extra in ({}, {"zh": 3}, {"en": 3})),
)


class Managing:
    """By the manager, who is none of the people at work; what the page cannot do is refused."""

    def pause(self, step):
        actions.pause_project(project=self.project, reason="Lunch.")

    def resume(self, step):
        actions.resume_project(project=self.project)

    def withdraw(self, step):
        actions.withdraw_task(task=self.task(step), actor=self.manager)

    def reopen(self, step):
        actions.reopen_task(task=self.task(step), actor=self.manager)

    def change_many(self, step):
        """As the page of all tasks does: confirmed with their number, then batch by batch."""
        action, options = (
            ("withdraw", {}),
            ("reopen", {}),
            ("add_seats", {"number": 1}),
            ("set_priority", {"number": 2}),
            ("mark_tasks", {"topics": ["hate"]}),
            ("unmark_tasks", {"topics": ["hate"]}),
        )[step.how % 6]
        self.carry_out(action, self.some_tasks(step), options)

    def apply_overlap(self, step):
        self.carry_out("apply_overlap", Task.objects.filter(project=self.project), {})

    def carry_out(self, action, tasks, options):
        chosen = [str(task.public_id) for task in tasks]
        change = actions.start_bulk_change(
            project=self.project,
            actor=self.manager,
            action=action,
            selection={"ids": chosen},
            options=options,
            told=len(chosen),
        )
        actions.continue_bulk_change(change=change, seconds=0)

    def add_seats(self, step):
        actions.add_seats(tasks=self.some_tasks(step), seats=1 + step.how % 2, **self.by_the_manager)

    def set_priority(self, step):
        actions.set_priority(tasks=self.some_tasks(step), priority=step.how % 4 - 1, **self.by_the_manager)

    def put_into_set(self, step):
        sets = [None, *self.task_sets]
        task_set = sets[step.how % len(sets)]
        actions.put_into_set(tasks=self.some_tasks(step), task_set=task_set, **self.by_the_manager)

    def change_set(self, step):
        task_set = self.task_sets[step.which % len(self.task_sets)]
        named = [person for n, person in enumerate(self.people) if step.how >> n & 1]
        group = GROUPS[step.which // len(self.task_sets) % len(GROUPS)]
        actions.change_task_set(
            task_set=task_set, name=task_set.name, people=named, group=group, actor=self.manager
        )

    def move_group(self, step):
        actions.set_group(
            user=self.people[step.person], group=GROUPS[1 + step.how % 2], **self.by_the_manager
        )

    def choose_languages(self, step):
        languages = LANGUAGES[step.how % len(LANGUAGES)]
        actions.set_languages(user=self.people[step.person], languages=languages, **self.by_the_manager)

    def choose_topics(self, step):
        """Theirs alone to say, and no manager's."""
        actions.choose_topics(user=self.people[step.person], topics=TOPICS[step.how % len(TOPICS)])

    def mark(self, step):
        topics = TOPICS[step.how % len(TOPICS)]
        actions.mark_prompt(prompt=self.task(step).prompt, topics=topics, actor=self.manager)

    def make_known(self, step):
        """Of a task that is done or withdrawn a copy is opened."""
        task = self.task(step)
        if task.status != "open" and Task.objects.filter(project=self.project).count() >= MOST_TASKS:
            return
        actions.set_reference(
            task=task,
            places=[(1, 1), (2, 2)],
            purpose=("gold", "qualify")[step.how % 2],
            seats=1 + step.how % 3,
            actor=self.manager,
        )

    def qualify(self, step):
        actions.qualify(user=self.people[step.person], **self.by_the_manager)

    def lift_qualification(self, step):
        actions.lift_qualification(user=self.people[step.person], **self.by_the_manager)

    def change_queue(self, step):
        settings = {
            "open_tasks",
            "language_priorities",
            "gold_share",
            "requires_qualification",
            "qualification_tasks",
            "qualification_share",
        }
        project = Project.objects.get(pk=self.project.pk)
        as_it_is = {name: getattr(project, name) for name in settings}
        actions.change_queue(**self.by_the_manager, **as_it_is | QUEUE[step.how % len(QUEUE)])

    def cap_the_day(self, step):
        project = Project.objects.get(pk=self.project.pk)
        settings = actions.settings_of(project) | {"daily_cap": (None, None, 2, 4)[step.how % 4]}
        actions.change_project(**self.by_the_manager, **settings)

    def suspend(self, step):
        wish = {"user": self.people[step.person], "reason": "Too fast.", "sets_aside": step.how % 2 == 0}
        if step.how % 6 == 5:
            actions.suspend_account(actor=self.manager, **wish)
        else:
            actions.suspend_member(**self.by_the_manager, **wish)

    def lift_suspension(self, step):
        in_force = Suspension.objects.filter(user__in=self.people, lifted_at=None).order_by("pk").first()
        if in_force is not None:
            actions.lift_suspension(suspension=in_force, actor=self.manager)

    @property
    def by_the_manager(self):
        return {"project": self.project, "actor": self.manager}

    @property
    def task_sets(self):
        return list(TaskSet.objects.filter(project=self.project).order_by("pk"))

    def some_tasks(self, step):
        """About every third."""
        tasks = Task.objects.filter(project=self.project).order_by("pk")
        chosen = [pk for n, pk in enumerate(tasks.values_list("pk", flat=True)) if n % 3 == step.which % 3]
        return tasks.filter(pk__in=chosen)
