"""What can be done: one function, one use case, one transaction."""

from labeling.actions.acknowledge import acknowledge_guidelines
from labeling.actions.active import count_active
from labeling.actions.announcements import (
    announce,
    change_announcement,
    dismiss_announcement,
    end_announcement,
)
from labeling.actions.bulk import count_selection, start_bulk_change
from labeling.actions.bulk_work import (
    continue_bulk_change,
    run_bulk_change,
    stop_bulk_change,
    sweep_bulk_changes,
)
from labeling.actions.claim import claim_task, reserve_task
from labeling.actions.counts import count_differences, fold_counts, recount
from labeling.actions.draft import check_draft_is_newest, save_draft
from labeling.actions.exports import cancel_export, delete_export_files, run_export, start_export
from labeling.actions.faq import change_faq_entry, publish_faq_entry, retire_faq_entry
from labeling.actions.import_problems import problems_of
from labeling.actions.import_reading import LEFT_OUT
from labeling.actions.importing import run_import
from labeling.actions.imports import (
    cancel_import,
    map_import,
    preview_of,
    start_import,
    upload_folder,
    upload_import,
)
from labeling.actions.invitations import (
    NewInvitation,
    NoInvitation,
    accept_invitation,
    invite,
    revoke_invitation,
    sign_up,
)
from labeling.actions.known_tasks import set_reference
from labeling.actions.language import check_language, choose_language
from labeling.actions.launch import apply_plan, copy_project, create_project_from_template
from labeling.actions.leases import LEASE, expire_leases, keep_working, renew_lease
from labeling.actions.looking import see_judgments
from labeling.actions.opening import cancel_opening, run_opening, start_opening
from labeling.actions.outside import FromOutside, keep_writers_with
from labeling.actions.pauses import pause_project, pause_site, resume_project, resume_site
from labeling.actions.people import (
    Added,
    add_by_address,
    add_member,
    add_person,
    give_roles,
    set_group,
    set_languages,
)
from labeling.actions.pilots import end_pilot, open_the_rest, start_pilot, widen_pilots
from labeling.actions.project import (
    add_model_names,
    change_project,
    create_project,
    publish_guidelines,
    set_tokenizer,
    settings_of,
)
from labeling.actions.prompts import add_completion, add_prompt, import_demonstration
from labeling.actions.qualification import lift_qualification, qualify
from labeling.actions.questions import answer_question, ask_question, close_question, read_answers
from labeling.actions.queue_settings import change_queue
from labeling.actions.rates import set_paid_by, set_rate
from labeling.actions.reviews import review_submission
from labeling.actions.rubrics import publish_rubric
from labeling.actions.selections import add_seats, put_into_set, set_priority
from labeling.actions.skip import skip_task
from labeling.actions.submit import set_aside, submit_demonstration, submit_ranking
from labeling.actions.suspensions import lift_suspension, suspend_account, suspend_member
from labeling.actions.task_sets import change_task_set, create_task_set
from labeling.actions.tasks import open_demonstration_task, open_ranking_task, reopen_task, withdraw_task
from labeling.actions.texts import check_storable
from labeling.actions.timesheets import close_period, correct_period, open_period, remove_period
from labeling.actions.topics import choose_topics, mark_outputs, mark_prompt
from labeling.actions.transfers import sweep_transfers
from labeling.actions.wishes import forget_wish, tell_of_tasks, wish_for_tasks
from labeling.actions.written_prompts import WorthALook, save_prompt_draft, write_prompt

__all__ = [
    "LEASE",
    "LEFT_OUT",
    "Added",
    "FromOutside",
    "Invitation",
    "NewInvitation",
    "NoInvitation",
    "WorthALook",
    "accept_invitation",
    "acknowledge_guidelines",
    "add_by_address",
    "add_completion",
    "add_member",
    "add_model_names",
    "add_person",
    "add_prompt",
    "add_seats",
    "announce",
    "answer_question",
    "apply_plan",
    "ask_question",
    "cancel_export",
    "cancel_import",
    "cancel_opening",
    "change_announcement",
    "change_faq_entry",
    "change_project",
    "change_queue",
    "change_task_set",
    "check_draft_is_newest",
    "check_language",
    "check_storable",
    "choose_language",
    "choose_topics",
    "claim_task",
    "close_period",
    "close_question",
    "continue_bulk_change",
    "copy_project",
    "correct_period",
    "count_active",
    "count_differences",
    "count_selection",
    "create_project",
    "create_project_from_template",
    "create_task_set",
    "delete_export_files",
    "dismiss_announcement",
    "end_announcement",
    "end_pilot",
    "expire_leases",
    "fold_counts",
    "forget_wish",
    "give_roles",
    "import_demonstration",
    "invite",
    "keep_working",
    "keep_writers_with",
    "lift_qualification",
    "lift_suspension",
    "map_import",
    "mark_outputs",
    "mark_prompt",
    "open_demonstration_task",
    "open_period",
    "open_ranking_task",
    "open_the_rest",
    "pause_project",
    "pause_site",
    "preview_of",
    "problems_of",
    "publish_faq_entry",
    "publish_guidelines",
    "publish_rubric",
    "put_into_set",
    "qualify",
    "read_answers",
    "recount",
    "remove_period",
    "renew_lease",
    "reopen_task",
    "reserve_task",
    "resume_project",
    "resume_site",
    "retire_faq_entry",
    "review_submission",
    "revoke_invitation",
    "run_bulk_change",
    "run_export",
    "run_import",
    "run_opening",
    "save_draft",
    "save_prompt_draft",
    "see_judgments",
    "set_aside",
    "set_group",
    "set_languages",
    "set_paid_by",
    "set_priority",
    "set_rate",
    "set_reference",
    "set_tokenizer",
    "settings_of",
    "sign_up",
    "skip_task",
    "start_bulk_change",
    "start_export",
    "start_import",
    "start_opening",
    "start_pilot",
    "stop_bulk_change",
    "submit_demonstration",
    "submit_ranking",
    "suspend_account",
    "suspend_member",
    "sweep_bulk_changes",
    "sweep_transfers",
    "tell_of_tasks",
    "upload_folder",
    "upload_import",
    "widen_pilots",
    "wish_for_tasks",
    "withdraw_task",
    "write_prompt",
]
