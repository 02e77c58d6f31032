"""What can be done: one function, one use case, one transaction."""

from labeling.actions.claim import LEASE, claim_task, expire_leases, renew_lease
from labeling.actions.draft import save_draft
from labeling.actions.language import check_language, choose_language
from labeling.actions.people import add_member, add_person
from labeling.actions.project import create_project, publish_guidelines
from labeling.actions.prompts import add_completion, add_prompt, import_demonstration
from labeling.actions.skip import skip_task
from labeling.actions.submit import submit_demonstration, submit_ranking
from labeling.actions.tasks import open_demonstration_task, open_ranking_task

__all__ = [
    "LEASE",
    "add_completion",
    "add_member",
    "add_person",
    "add_prompt",
    "check_language",
    "choose_language",
    "claim_task",
    "create_project",
    "expire_leases",
    "import_demonstration",
    "open_demonstration_task",
    "open_ranking_task",
    "publish_guidelines",
    "renew_lease",
    "save_draft",
    "skip_task",
    "submit_demonstration",
    "submit_ranking",
]
