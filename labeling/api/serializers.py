"""What labeling's routes take and give. Outputs go by number and letter: nothing here names a model."""

from typing import Any

from rest_framework import serializers

from labeling import exports, queries
from labeling.api.kept_serializers import shown
from labeling.api.paging import PageParameters
from labeling.models import Assignment, Demonstration, Membership, Prompt, Submission, Task, Topic
from labeling.rubric_queries import newest_rubric, rubric_shown
from labeling.rubrics.answers import from_fields
from labeling.rubrics.questions import KINDS, SCOPES

AI_ASSISTANCE = "What part an AI tool had, in the writer's word; empty: they do not say."


class ProjectRow(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    languages = serializers.ListField(child=serializers.CharField())
    completions_per_prompt = serializers.IntegerField()
    paused_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class TaskCountsOfKind(serializers.Serializer):
    open = serializers.IntegerField(
        allow_null=True,
        help_text="Tasks that want more submissions. Null where tasks with a known answer are mixed in and "
        "you neither manage nor train: the number would tell which these are.",
    )
    complete = serializers.IntegerField(allow_null=True, help_text="Null where `open` is.")
    submissions = serializers.IntegerField()
    waiting_for_you = serializers.IntegerField(
        help_text="Tasks that you could still be given today: in your languages, on topics you said yes to, "
        "within the daily cap. 1001 says that there are more than 1000."
    )
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
    is_sensitive = serializers.BooleanField(help_text="Show it covered until the person opens it.")


class AnswerGiven(serializers.Serializer):
    question = serializers.CharField(max_length=40, help_text="The key of a question of the rubric.")
    output = serializers.IntegerField(
        required=False,
        default=None,
        allow_null=True,
        min_value=1,
        max_value=9,
        help_text="The output 1…K it is about; null where it is about the prompt.",
    )
    value = serializers.JSONField(
        help_text="Of a scale a number, of a flag true or false, of a choice an option's key, else a text."
    )


class OptionShown(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.DictField(child=serializers.CharField(), help_text="By language.")


class QuestionShown(serializers.Serializer):
    key = serializers.CharField()
    kind = serializers.ChoiceField(list(KINDS))
    per = serializers.ChoiceField(list(SCOPES), help_text="Asked about each output, or about the prompt.")
    name = serializers.DictField(child=serializers.CharField(), help_text="By language.")
    help = serializers.DictField(child=serializers.CharField(), help_text="By language.")
    required = serializers.BooleanField()
    low = serializers.IntegerField(required=False, help_text="Of a scale.")
    high = serializers.IntegerField(required=False, help_text="Of a scale.")
    options = OptionShown(many=True, required=False, help_text="Of a choice.")


class RubricShown(serializers.Serializer):
    id = serializers.UUIDField(source="public_id", help_text="Send it back as rubric_version.")
    number = serializers.IntegerField()
    questions = QuestionShown(many=True)


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
    answers = AnswerGiven(many=True, required=False, help_text="Answers to the rubric so far.")


class AssignmentShown(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(Task.Kind.values, source="task.kind")
    status = serializers.ChoiceField(Assignment.Status.values)
    project = serializers.UUIDField(source="task.project.public_id")
    lease_until = serializers.DateTimeField(allow_null=True)
    messages = Message(source="task.prompt.messages", many=True)
    topics = serializers.ListField(
        child=serializers.ChoiceField(Topic.values),
        source="task.prompt.topics",
        help_text="Sensitive topics of the prompt, all of which you said yes to on the page /care/. "
        "Where there is one, show messages and outputs covered until the person opens them.",
    )
    outputs = serializers.SerializerMethodField(help_text="Of a ranking task: what is to be ordered.")
    rubric = serializers.SerializerMethodField(
        help_text="Of a ranking task: what is asked besides; null where nothing is."
    )
    draft = serializers.SerializerMethodField()
    draft_version = serializers.IntegerField()
    submission = serializers.SerializerMethodField(help_text="Your newest, if there is one.")

    def get_outputs(self, assignment: Assignment) -> OutputShown(many=True):  # type: ignore[valid-type]
        return [
            {"number": one.number, "letter": one.letter, "text": one.text, "is_sensitive": one.is_sensitive}
            for one in queries.outputs_of(assignment)
        ]

    def get_rubric(self, assignment: Assignment) -> RubricShown(allow_null=True):  # type: ignore[valid-type]
        if assignment.task.kind != Task.Kind.RANK:
            return None
        newest = newest_rubric(assignment.task.project)
        return shown(RubricShown, newest) if newest and newest.questions else None

    def get_draft(self, assignment: Assignment) -> DraftKept:
        """The page keeps the same draft, places by the output's number."""
        kept = assignment.draft
        places = kept.get("places") or {}
        shown: dict[str, Any] = {
            "text": str(kept.get("text") or ""),
            "comment": str(kept.get("comment") or ""),
            "places": [_place(places.get(str(n + 1))) for n in range(len(assignment.display_order))],
            "answers": _answers_in(assignment),
        }
        return shown  # type: ignore[return-value]

    def get_submission(self, assignment: Assignment) -> SubmissionMade(allow_null=True):  # type: ignore[valid-type]
        if assignment.status != Assignment.Status.SUBMITTED:
            return None
        newest = queries.newest_submission(assignment)
        return newest and shown(SubmissionMade, newest)


def _answers_in(assignment: Assignment) -> list[dict[str, Any]]:
    """What the page has kept by the names of its fields, as answers."""
    kept = assignment.draft.get("answers")
    if not isinstance(kept, dict):
        return []
    rubric = rubric_shown(assignment.task.project, str(assignment.draft.get("rubric_version", "")))
    given = from_fields(
        rubric.asked if rubric else (), {str(field): str(value) for field, value in kept.items()}
    )
    return [{"question": a.question, "output": a.output, "value": a.value} for a in given]


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
    verdict = serializers.ChoiceField(
        [Submission.Verdict.RANKED, Submission.Verdict.NONE_USABLE, Submission.Verdict.PROMPT_PROBLEM],
        required=False,
        default=Submission.Verdict.RANKED,
        help_text="Of a ranking task: without `places`, that none of the outputs is usable or that something "
        "is wrong with the prompt. It trains nothing.",
    )
    strength = serializers.IntegerField(
        required=False,
        default=None,
        allow_null=True,
        min_value=1,
        max_value=3,
        help_text="Of two outputs that are not tied: how much better, 1 slightly to 3 much.",
    )
    answers = AnswerGiven(
        many=True, required=False, default=list, help_text="Of a ranking: answers to the rubric's questions."
    )
    rubric_version = serializers.UUIDField(
        required=False,
        default=None,
        allow_null=True,
        help_text="The `id` of the rubric that the answers are to; the newest when it is left out.",
    )
    text = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        max_length=200_000,
        help_text="Of a demonstration: the ideal answer.",
    )
    ai_assistance = serializers.ChoiceField(
        Demonstration.Assistance.values,
        required=False,
        default="",
        allow_blank=True,
        help_text=f"Of a demonstration. {AI_ASSISTANCE}",
    )
    ai_tool = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=200, help_text="Which tool, in your words."
    )
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=20_000)
    active_seconds = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=0, max_value=86_400
    )
    next = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Claim the next task of this project and kind with it, as the page does.",
    )


class SubmissionAnswered(SubmissionMade):
    next = AssignmentShown(
        required=False,
        allow_null=True,
        help_text="Where it was asked for: your next task. Null when there is none, or a claim would be "
        "refused; a claim says why.",
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

    strength = serializers.IntegerField(
        allow_null=True, help_text="Of two: how much better, 1 slightly to 3 much."
    )
    rubric_version = serializers.IntegerField(allow_null=True, help_text="The number of the rubric.")
    answers = serializers.DictField(
        child=serializers.JSONField(),
        help_text="By the question's key: a list by completion, or one value about the prompt.",
    )


class DemonstrationMade(serializers.Serializer):
    text = serializers.CharField(source="completion.text")
    pasted_characters = serializers.IntegerField(
        allow_null=True, help_text="Pasted or dropped while writing; null where nobody counted."
    )
    ai_assistance = serializers.ChoiceField(
        Demonstration.Assistance.values, allow_blank=True, source="assistance", help_text=AI_ASSISTANCE
    )
    ai_tool = serializers.CharField(allow_blank=True, source="assistance_tool")


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
    verdict = serializers.ChoiceField(Submission.Verdict.values)
    review = serializers.ChoiceField(
        Submission.ReviewState.values,
        source="review_state",
        help_text="What a reviewer said of this revision.",
    )
    prompt = PromptJudged(source="assignment.task.prompt")
    ranking = serializers.SerializerMethodField(help_text="Null where the verdict says why there is none.")
    demonstration = serializers.SerializerMethodField()

    def get_annotator(self, submission: Submission) -> str:
        return exports.pseudonym(self.context["project"], submission.assignment.user)

    def get_ranking(self, submission: Submission) -> RankingMade(allow_null=True):  # type: ignore[valid-type]
        if submission.verdict != Submission.Verdict.RANKED:
            return None
        texts = [slot.completion.text for slot in submission.assignment.task.slots.all()]
        rubric = submission.rubric_version
        ranking = {
            "completions": texts,
            "strength": submission.ranking.strength,
            "rubric_version": rubric.number if rubric else None,
            "answers": exports.answers_by_key(submission, slots=len(texts)),
            "places": submission.ranking.places,
            "display_order": submission.assignment.display_order,
        }
        return RankingMade(ranking).data

    def get_demonstration(self, submission: Submission) -> DemonstrationMade(allow_null=True):  # type: ignore[valid-type]
        if submission.assignment.task.kind != Task.Kind.DEMONSTRATE:
            return None
        return DemonstrationMade(submission.demonstration).data
