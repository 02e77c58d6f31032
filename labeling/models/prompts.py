"""Prompts and the texts produced for them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy as _

from labeling.models.base import PublicIdModel
from labeling.models.people import User
from labeling.models.project import Project
from labeling.models.topics import Topic
from labeling.models.transfers import Transfer


class SearchVector(models.Func):
    """The words of a conversation; each Chinese, Japanese or Korean character is a word (migration 0003)."""

    function = "labeling_words"
    output_field = SearchVectorField()


class Prompt(PublicIdModel):
    class Source(models.TextChoices):
        PLAIN = "plain", _("plain")
        FEW_SHOT = "few_shot", _("few-shot")
        USER_BASED = "user_based", _("user-based")
        IMPORT = "import", _("import")

    class Split(models.TextChoices):
        """By author. Valid and test never enter SFT or PPO."""

        TRAIN = "train", _("train")
        VALID = "valid", _("valid")
        TEST = "test", _("test")

    class Category(models.TextChoices):
        GENERATION = "generation", _("generation")
        OPEN_QA = "open_qa", _("open QA")
        BRAINSTORMING = "brainstorming", _("brainstorming")
        CHAT = "chat", _("chat")
        REWRITE = "rewrite", _("rewrite")
        SUMMARIZATION = "summarization", _("summarization")
        CLASSIFICATION = "classification", _("classification")
        CLOSED_QA = "closed_qa", _("closed QA")
        EXTRACT = "extract", _("extract")
        OTHER = "other", _("other")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prompts")
    # [{"role": "user", "content": "…"}, …], ending with a user's turn.
    messages = models.JSONField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="prompts")
    source = models.CharField(max_length=16, choices=Source, default=Source.PLAIN)
    category = models.CharField(max_length=16, choices=Category, default=Category.OTHER)
    language = models.CharField(max_length=16, default="en")
    split = models.CharField(max_length=8, choices=Split, default=Split.TRAIN)
    # What it is about that people are asked first; its tasks have a copy.
    topics = ArrayField(models.CharField(max_length=16, choices=Topic), default=list, blank=True)
    # Digest of the conversation, white space and case aside: the same prompt enters a project once.
    dedupe_key = models.CharField(max_length=64, editable=False)
    external_id = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    # Of a prompt that a person wrote here: the same key again is the same prompt, not a second one.
    submission_key = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["author", "submission_key"],
                condition=~models.Q(submission_key=""),
                name="prompt_submitted_once",
            ),
            models.UniqueConstraint(fields=["project", "dedupe_key"], name="prompt_unique_in_project"),
            models.UniqueConstraint(
                fields=["project", "external_id"],
                condition=~models.Q(external_id=""),
                name="prompt_external_id_unique_in_project",
            ),
            models.CheckConstraint(
                condition=models.Q(topics__contained_by=Topic.values), name="prompt_topics_known"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "language", "category"], name="prompt_by_language_category"),
            models.Index(fields=["project", "author"], name="prompt_by_author"),
            models.Index(fields=["project", "-id"], name="prompt_newest_first"),
            GinIndex(SearchVector("messages"), name="prompt_words"),
        ]

    def __str__(self) -> str:
        return str(self.messages[-1]["content"])[:80]


class PromptDraft(models.Model):
    """What a person has entered of a prompt and not yet submitted; one in each project."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="prompt_drafts")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prompt_drafts")
    content = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project"], name="prompt_draft_one_in_a_project"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.project}"


class Completion(PublicIdModel):
    """A text for a prompt: from a policy (training.Sample says which), from a person, or from outside."""

    class Origin(models.TextChoices):
        POLICY = "policy", _("policy")
        PERSON = "person", _("person")
        IMPORT = "import", _("import")

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="completions")
    text = models.TextField()
    origin = models.CharField(max_length=8, choices=Origin)
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # The passage in which it tells which model wrote it; empty: it does not.
    names_model = models.CharField(max_length=120, blank=True, db_default="")
    is_sensitive = models.BooleanField(default=False)  # covered until somebody opens it
    external_id = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    # Of one from outside: the newest import that had it, and a digest of its text and of who wrote it.
    transfer = models.ForeignKey(
        Transfer, on_delete=models.SET_NULL, null=True, editable=False, db_index=False, related_name="+"
    )
    dedupe_key = models.CharField(max_length=64, blank=True, db_default="", editable=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["transfer", "prompt"],
                condition=models.Q(transfer__isnull=False),
                name="completion_by_import",
            ),
            models.Index(
                fields=["prompt"], condition=~models.Q(names_model=""), name="completion_names_its_model"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["prompt", "dedupe_key"],
                condition=~models.Q(dedupe_key=""),
                name="completion_from_outside_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(origin="person") | models.Q(author__isnull=False),
                name="completion_by_a_person_has_an_author",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:80]
