"""What is: people, prompts, tasks and judgments."""

from labeling.models.announcements import Announcement, AnnouncementDismissal
from labeling.models.audit import AuditEvent
from labeling.models.base import PublicIdModel, StatusChange
from labeling.models.bulk import BulkChange
from labeling.models.counts import DailyWork, StageCount
from labeling.models.invitations import Invitation, InvitationAcceptance
from labeling.models.launch import Pilot, Plan
from labeling.models.notices import GuidelineAcknowledgement, TaskWish
from labeling.models.pauses import Pause
from labeling.models.people import Membership, User
from labeling.models.project import GuidelineVersion, Project
from labeling.models.prompts import Completion, Prompt, PromptDraft
from labeling.models.queue import QueuePlace
from labeling.models.reviews import Review
from labeling.models.rubrics import RubricVersion
from labeling.models.submissions import Answer, Demonstration, Ranking, Submission
from labeling.models.suspensions import Suspension
from labeling.models.task_sets import TaskSet
from labeling.models.tasks import (
    Assignment,
    AssignmentStatusChange,
    Task,
    TaskCompletion,
    TaskStatusChange,
    output_letter,
)
from labeling.models.threads import FaqEntry, Thread, ThreadMessage
from labeling.models.timesheets import Rate, TimesheetLine, TimesheetPeriod, WorkTime
from labeling.models.tokens import ApiToken, IdempotentRequest
from labeling.models.topics import Topic
from labeling.models.transfers import Transfer, TransferStatusChange

__all__ = [
    "Announcement",
    "AnnouncementDismissal",
    "Answer",
    "ApiToken",
    "Assignment",
    "AssignmentStatusChange",
    "AuditEvent",
    "BulkChange",
    "Completion",
    "DailyWork",
    "Demonstration",
    "FaqEntry",
    "GuidelineAcknowledgement",
    "GuidelineVersion",
    "IdempotentRequest",
    "Invitation",
    "InvitationAcceptance",
    "Membership",
    "Pause",
    "Pilot",
    "Plan",
    "Project",
    "Prompt",
    "PromptDraft",
    "PublicIdModel",
    "QueuePlace",
    "Ranking",
    "Rate",
    "Review",
    "RubricVersion",
    "StageCount",
    "StatusChange",
    "Submission",
    "Suspension",
    "Task",
    "TaskCompletion",
    "TaskSet",
    "TaskStatusChange",
    "TaskWish",
    "Thread",
    "ThreadMessage",
    "TimesheetLine",
    "TimesheetPeriod",
    "Topic",
    "Transfer",
    "TransferStatusChange",
    "User",
    "WorkTime",
    "output_letter",
]
