"""What labeling's routes take and give. Outputs go by number and letter: nothing here names a model."""

from typing import Any

from rest_framework import serializers

from labeling import exports, queries
from labeling.api.paging import PageParameters
from labeling.models import Assignment, Membership, Prompt, Submission, Task


class ProjectRow(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    languages = serializers.ListField(child=serializers.CharField())
    completions_per_prompt = serializers.IntegerField()
    paused_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class TaskCountsOfKind(serializers.Serializer):
    open = serializers.IntegerField(help_text="Tasks that want more submissions.")
    complete = serializers.IntegerField()
    submissions = serializers.IntegerField()
    waiting_for_you = serializers.IntegerField(help_text="Tasks that you could still be given.")
    submitted_by_you = serializers.IntegerField()


class ProjectCounts(serializers.Serializer):
    prompts = serializers.IntegerField()
    rank = TaskCountsOfKind()
    demonstrate = TaskCountsOfKind()


class ProjectDetail(ProjectRow):
    roles = serializers.ListField(child=serializers.ChoiceField(Membership.Role.values), help_text="Yours.")
    counts = ProjectCounts()


class Message(serializers.Serializer):
    role = serializers.ChoiceField(["system", "user", "assistant"])
    content = serializers.CharField()


class OutputShown(serializers.Serializer):
    number = serializers.IntegerField(help_text="1…K, in the order in which you are shown them.")
    letter = serializers.CharField(help_text="What the page calls it: A…I.")
    text = serializers.CharField()


class SubmissionMade(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    revision = serializers.IntegerField()
    is_late = serializers.BooleanField(help_text="It came after the lease, and counts all the same.")
    submitted_at = serializers.DateTimeField(source="created_at")


class DraftKept(serializers.Serializer):
    places = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=9, allow_null=True),
        max_length=9,
        required=False,
        help_text="The place of output 1…K so far; null where there is none yet.",
    )
    text = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False, max_length=200_000)
    comment = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=20_000
    )


class AssignmentShown(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(Task.Kind.values, source="task.kind")
    status = serializers.ChoiceField(Assignment.Status.values)
    project = serializers.UUIDField(source="task.project.public_id")
    lease_until = serializers.DateTimeField(allow_null=True)
    messages = Message(source="task.prompt.messages", many=True)
    outputs = serializers.SerializerMethodField(help_text="Of a ranking task: what is to be ordered.")
    draft = serializers.SerializerMethodField()
    draft_version = serializers.IntegerField()
    submission = serializers.SerializerMethodField(help_text="Your newest, if there is one.")

    def get_outputs(self, assignment: Assignment) -> OutputShown(many=True):  # type: ignore[valid-type]
        return OutputShown(queries.outputs_of(assignment), many=True).data

    def get_draft(self, assignment: Assignment) -> DraftKept:
        """The page keeps the same draft, places by the output's number."""
        kept = assignment.draft
        places = kept.get("places") or {}
        shown: dict[str, Any] = {
            "text": str(kept.get("text") or ""),
            "comment": str(kept.get("comment") or ""),
            "places": [_place(places.get(str(n + 1))) for n in range(len(assignment.display_order))],
        }
        return shown  # type: ignore[return-value]

    def get_submission(self, assignment: Assignment) -> SubmissionMade(allow_null=True):  # type: ignore[valid-type]
        newest = queries.newest_submission(assignment)
        return newest and SubmissionMade(newest).data


def _place(kept: Any) -> int | None:
    return int(kept) if str(kept).isascii() and str(kept).isdigit() and 1 <= int(kept) <= 9 else None


class Claim(serializers.Serializer):
    kind = serializers.ChoiceField(Task.Kind.values)


class Lease(serializers.Serializer):
    lease_until = serializers.DateTimeField()


class DraftSent(DraftKept):
    version = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, help_text="draft_version as you last saw it."
    )


class DraftVersion(serializers.Serializer):
    draft_version = serializers.IntegerField()


class SubmissionSent(serializers.Serializer):
    places = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=9),
        max_length=9,
        required=False,
        default=list,
        help_text="Of a ranking: the place of output 1…K, 1 is best, equal places are ties.",
    )
    text = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        max_length=200_000,
        help_text="Of a demonstration: the ideal answer.",
    )
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=20_000)
    active_seconds = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=0, max_value=86_400
    )


class JudgmentParameters(PageParameters):
    kind = serializers.ChoiceField(Task.Kind.values, required=False)
    split = serializers.ChoiceField(Prompt.Split.values, required=False)
    origin = serializers.ChoiceField(Submission.Origin.values, required=False)
    annotator = serializers.CharField(required=False, max_length=40, help_text="A pseudonym.")
    since = serializers.DateTimeField(required=False, help_text="Submitted at this time or later.")
    until = serializers.DateTimeField(required=False, help_text="Submitted before this time.")


class PromptJudged(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    messages = Message(many=True)
    split = serializers.ChoiceField(Prompt.Split.values)
    language = serializers.CharField()
    category = serializers.ChoiceField(Prompt.Category.values)
    external_id = serializers.CharField(allow_blank=True)


class RankingMade(serializers.Serializer):
    completions = serializers.ListField(child=serializers.CharField())
    places = serializers.ListField(
        child=serializers.IntegerField(), help_text="The place of each completion; equal places are ties."
    )
    display_order = serializers.ListField(
        child=serializers.IntegerField(), help_text="The completions, by number from 1, as they were shown."
    )


class DemonstrationMade(serializers.Serializer):
    text = serializers.CharField(source="completion.text")


class Judgment(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(Task.Kind.values, source="assignment.task.kind")
    revision = serializers.IntegerField()
    submitted_at = serializers.DateTimeField(source="created_at")
    annotator = serializers.SerializerMethodField(help_text="A pseudonym, stable within the project.")
    origin = serializers.ChoiceField(Submission.Origin.values)
    is_late = serializers.BooleanField()
    active_seconds = serializers.IntegerField(allow_null=True)
    comment = serializers.CharField(allow_blank=True)
    prompt = PromptJudged(source="assignment.task.prompt")
    ranking = serializers.SerializerMethodField()
    demonstration = serializers.SerializerMethodField()

    def get_annotator(self, submission: Submission) -> str:
        return exports.pseudonym(self.context["project"], submission.assignment.user)

    def get_ranking(self, submission: Submission) -> RankingMade(allow_null=True):  # type: ignore[valid-type]
        if submission.assignment.task.kind != Task.Kind.RANK:
            return None
        ranking = {
            "completions": [slot.completion.text for slot in submission.assignment.task.slots.all()],
            "places": submission.ranking.places,
            "display_order": submission.assignment.display_order,
        }
        return RankingMade(ranking).data

    def get_demonstration(self, submission: Submission) -> DemonstrationMade(allow_null=True):  # type: ignore[valid-type]
        if submission.assignment.task.kind != Task.Kind.DEMONSTRATE:
            return None
        return DemonstrationMade(submission.demonstration).data
