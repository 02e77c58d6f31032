"""What is: people, prompts, tasks and judgments."""

from labeling.models.base import PublicIdModel, StatusChange
from labeling.models.people import Membership, User
from labeling.models.project import GuidelineVersion, Project
from labeling.models.prompts import Completion, Prompt
from labeling.models.submissions import Demonstration, Ranking, Submission
from labeling.models.tasks import (
    Assignment,
    AssignmentStatusChange,
    Task,
    TaskCompletion,
    TaskStatusChange,
    output_letter,
)

__all__ = [
    "Assignment",
    "AssignmentStatusChange",
    "Completion",
    "Demonstration",
    "GuidelineVersion",
    "Membership",
    "Project",
    "Prompt",
    "PublicIdModel",
    "Ranking",
    "StatusChange",
    "Submission",
    "Task",
    "TaskCompletion",
    "TaskStatusChange",
    "User",
    "output_letter",
]
