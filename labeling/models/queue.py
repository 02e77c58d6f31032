"""How far people have walked along the queue; read and written by the claim alone (actions/free_seats.py)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from labeling.models.people import User
from labeling.models.project import Project
from labeling.models.tasks import Task


class QueuePlace(models.Model):
    """Before which task of a shelf there is nothing for this person: what they had, or what had no free seat.

    A shelf is the free tasks of one kind, purpose, set, language, topics and priority, in the order of their
    ids. A place saves time and decides nothing: without it, the claim looks from the beginning of the shelf.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="queue_places", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="queue_places")
    kind = models.CharField(max_length=16, choices=Task.Kind)
    purpose = models.CharField(max_length=16, choices=Task.Purpose)
    task_set = models.BigIntegerField()  # the id of a set, 0: none
    language = models.CharField(max_length=16)
    topics = ArrayField(models.CharField(max_length=16), default=list)
    priority = models.SmallIntegerField()
    # The id of a task, and no foreign key: one walks on from there whatever became of that task.
    reached = models.BigIntegerField()
    looked_at = models.DateTimeField()  # when the shelf was looked through from its beginning

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "project", "kind", "purpose", "task_set", "language", "topics", "priority"],
                name="queue_place_one_a_shelf",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.kind} {self.reached}"
