"""Every address of the site and who may use it. What is not listed here fails tests/test_url_matrix.py."""

from dataclasses import dataclass

MEMBERS = frozenset({"annotator", "reviewer", "manager", "engineer", "admin"})
LABELERS = frozenset({"annotator", "reviewer", "manager", "admin"})
REVIEWERS = frozenset({"reviewer", "manager", "admin"})
ENGINEERS = frozenset({"manager", "engineer", "admin"})
MANAGERS = frozenset({"manager", "admin"})
ADMINS = frozenset({"admin"})
SIGNED_IN = MEMBERS | {"outsider", "elsewhere", "suspended"}
OWNER = frozenset({"annotator"})


@dataclass(frozen=True)
class Route:
    """Whoever is not in `who` gets 404, whoever is not signed in is asked to, another verb gets 405.

    arguments: of the address, by their names in tests/scene.py. get, post: what those who may are answered,
    None where the verb is not allowed; HEAD is answered as GET; a POST comes with one field that no form has.
    """

    who: frozenset[str]
    arguments: tuple[str, ...] = ()
    get: int | None = None
    post: int | None = None
    # A page of HTML that the test of hostile texts opens as well.
    is_page: bool = True
    # A GET that writes one thing: that this person has seen it.
    keeps_looks: bool = False


PROJECT = ("project",)

ROUTES = {
    # labeling: everybody, annotators
    "home": Route(SIGNED_IN, get=200),
    "project": Route(MEMBERS, PROJECT, get=200),
    "guidelines": Route(MEMBERS, PROJECT, get=200),
    "next-task": Route(LABELERS, ("project", "rank"), post=302),
    "reserve-task": Route(LABELERS, ("project", "rank"), post=204),
    # Nothing has changed in the scene, so it leads back; tests/labeling/test_changed_guidelines.py opens it.
    "changed-guidelines": Route(LABELERS, ("project", "rank"), get=302, post=302, is_page=False),
    "nothing-to-do": Route(LABELERS, ("project", "rank"), get=200),
    "wish-for-tasks": Route(LABELERS, ("project", "rank"), post=302),
    "pause-site": Route(frozenset({"admin"}), get=200, post=400),
    "resume-site": Route(frozenset({"admin"}), post=302),
    "care": Route(SIGNED_IN, get=200, post=302),
    "write-prompt": Route(LABELERS, PROJECT, get=200, post=400),
    "prompt-draft": Route(LABELERS, PROJECT, post=400),
    "history": Route(SIGNED_IN, get=200),
    "my-hours": Route(SIGNED_IN, get=200),
    "dismiss-announcement": Route(MEMBERS, ("announcement",), post=302),
    "assignment": Route(OWNER, ("assignment",), get=200),
    "submit": Route(OWNER, ("assignment",), post=400),
    "skip": Route(OWNER, ("assignment",), post=302),
    "draft": Route(OWNER, ("assignment",), post=400),
    "preview-demonstration": Route(OWNER, ("writing",), post=200),
    "count-tokens": Route(LABELERS, PROJECT, post=200),
    "compare-outputs": Route(OWNER, ("assignment",), get=200),
    "question": Route(OWNER, ("assignment",), get=200, post=400),
    "read-answers": Route(OWNER, ("assignment",), post=302),
    "questions": Route(SIGNED_IN, get=200),
    "tokens": Route(SIGNED_IN, get=200, post=400),
    "revoke-token": Route(OWNER, ("token",), post=302),
    # Of a session that is none of theirs; tests/labeling/test_sessions.py ends some.
    "end-session": Route(frozenset(), post=404, is_page=False),
    # labeling: reviewers
    "reviews": Route(REVIEWERS, PROJECT, get=200),
    "review": Route(REVIEWERS, ("submission",), get=200, post=400, keeps_looks=True),
    # labeling: managers
    "create-project": Route(MANAGERS | {"elsewhere"}, get=200, post=400),
    "manage": Route(MANAGERS, PROJECT, get=200),
    "manage-all": Route(MANAGERS | {"elsewhere"}, get=200),
    "manage-csv": Route(MANAGERS, ("project", "table"), get=200, is_page=False),
    "manage-audit": Route(MANAGERS, PROJECT, get=200),
    "manage-prompts": Route(MANAGERS, PROJECT, get=200),
    "manage-prompt": Route(MANAGERS, ("prompt",), get=200),
    # Without rows and a change it leads back; tests/labeling/test_bulk_changes.py opens it.
    "confirm-bulk": Route(MANAGERS, ("project", "many"), get=302, post=302, is_page=False),
    "bulk-change": Route(MANAGERS, ("bulk change",), get=200),
    "stop-bulk-change": Route(MANAGERS, ("bulk change",), post=302),
    "manage-settings": Route(MANAGERS, PROJECT, get=200, post=400),
    "pause-project": Route(MANAGERS, PROJECT, post=302),
    "resume-project": Route(MANAGERS, PROJECT, post=302),
    "change-queue": Route(MANAGERS, PROJECT, post=400),
    "manage-guidelines": Route(MANAGERS, PROJECT, get=200, post=302),
    "guideline-version": Route(MANAGERS, ("guideline version",), get=200),
    "manage-rubric": Route(MANAGERS, PROJECT, get=200, post=200),
    "rubric-version": Route(MANAGERS, ("rubric version",), get=200),
    "manage-people": Route(MANAGERS, PROJECT, get=200),
    "give-roles": Route(MANAGERS, ("project", "annotator"), post=302),
    "manage-plan": Route(MANAGERS, PROJECT, get=200),
    "apply-plan": Route(MANAGERS, PROJECT, post=400),
    "manage-pilot": Route(MANAGERS, PROJECT, get=200),
    "start-pilot": Route(MANAGERS, PROJECT, post=400),
    "end-pilot": Route(MANAGERS, PROJECT, post=302),
    "open-the-rest": Route(MANAGERS, PROJECT, post=302),
    "manage-open": Route(MANAGERS, PROJECT, get=200, post=400),
    "opening": Route(MANAGERS, ("opening",), get=200),
    "cancel-opening": Route(MANAGERS, ("opening",), post=302),
    "manage-invitations": Route(MANAGERS, PROJECT, get=200, post=400),
    "revoke-invitation": Route(MANAGERS, ("invitation",), post=302),
    "suspend-member": Route(MANAGERS, ("project", "annotator"), post=302),
    "lift-suspension": Route(MANAGERS, ("suspension",), post=302),
    "account": Route(ADMINS, ("annotator",), get=200),
    "suspend-account": Route(ADMINS, ("annotator",), post=302),
    "reset-link": Route(ADMINS, ("annotator",), post=200),
    "change-qualification": Route(MANAGERS, ("project", "annotator"), post=302),
    "task-sets": Route(MANAGERS, PROJECT, get=200, post=400),
    "task-set": Route(MANAGERS, ("task set",), get=200, post=400),
    "fill-task-set": Route(MANAGERS, ("task set",), post=302),
    "manage-tasks": Route(MANAGERS, PROJECT, get=200),
    "manage-task": Route(MANAGERS, ("task",), get=200, keeps_looks=True),
    "withdraw-task": Route(MANAGERS, ("task",), post=302),
    "reopen-task": Route(MANAGERS, ("task",), post=302),
    "set-reference": Route(MANAGERS, ("task",), post=302),
    "mark-task": Route(MANAGERS, ("task",), post=302),
    "manage-questions": Route(MANAGERS, PROJECT, get=200),
    "answer-question": Route(MANAGERS, ("thread",), get=200, post=400),
    "close-question": Route(MANAGERS, ("thread",), post=302),
    "publish-answer": Route(MANAGERS, ("thread",), post=400),
    "manage-faq": Route(MANAGERS, PROJECT, get=200, post=400),
    "faq-entry": Route(MANAGERS, ("faq entry",), get=200, post=400),
    "retire-faq-entry": Route(MANAGERS, ("faq entry",), post=302),
    "manage-hours": Route(MANAGERS, PROJECT, get=200, post=400),
    "set-paid-by": Route(MANAGERS, PROJECT, post=302),
    "set-rate": Route(MANAGERS, PROJECT, post=400),
    "timesheet": Route(MANAGERS, ("timesheet",), get=200),
    "timesheet-csv": Route(MANAGERS, ("timesheet",), get=200, is_page=False),
    "close-timesheet": Route(MANAGERS, ("timesheet",), post=302),
    "remove-timesheet": Route(MANAGERS, ("timesheet",), post=302),
    "correct-timesheet": Route(MANAGERS, ("closed timesheet",), post=400),
    "manage-announcements": Route(MANAGERS, PROJECT, get=200, post=400),
    "announcement": Route(MANAGERS, ("announcement",), get=200, post=400),
    "end-announcement": Route(MANAGERS, ("announcement",), post=302),
    "site-announcements": Route(frozenset({"admin"}), get=200, post=400),
    "manage-imports": Route(MANAGERS, PROJECT, get=200, post=400),
    "import": Route(MANAGERS, ("upload",), get=200),
    "map-import": Route(MANAGERS, ("upload",), post=400),
    "start-import": Route(MANAGERS, ("upload",), post=400),
    "cancel-import": Route(MANAGERS, ("upload",), post=302),
    "import-problems": Route(MANAGERS, ("import",), get=200, is_page=False),
    # labeling: exports, for engineers
    "exports": Route(ENGINEERS, PROJECT, get=200),
    "start-export": Route(ENGINEERS, PROJECT, post=400),
    "cancel-export": Route(ENGINEERS, ("export",), post=302),
    "delete-export": Route(ENGINEERS, ("export",), post=302),
    # An export that failed has no file: 404 for everybody. Who gets one that is there: its own tests.
    "download-export": Route(ENGINEERS, ("export", "no file"), get=404, is_page=False),
    # training: engineers
    "loop": Route(ENGINEERS, PROJECT, get=200),
    "start-stage": Route(ENGINEERS, ("project", "sample"), post=302),
    "retrain-rule": Route(ENGINEERS, PROJECT, post=302),
    "cancel-chain": Route(ENGINEERS, ("chain",), post=302),
    "runs": Route(ENGINEERS, PROJECT, get=200),
    "start-run": Route(ENGINEERS, ("project", "sample"), get=200, post=400),
    "run": Route(ENGINEERS, ("run",), get=200),
    "run-metrics": Route(ENGINEERS, ("run",), get=200, is_page=False),
    "run-log": Route(ENGINEERS, ("run",), get=200, is_page=False),
    "cancel-run": Route(ENGINEERS, ("run",), post=302),
    "models": Route(ENGINEERS, PROJECT, get=200),
    # The scene's project has a policy already, so the page says no and leads back.
    "adopt-base": Route(ENGINEERS, ("project", "base"), post=302),
    "promote-model": Route(ENGINEERS, ("candidate",), post=302),
    "retry-run": Route(ENGINEERS, ("run",), post=302),
    "compare-runs": Route(ENGINEERS, PROJECT, get=200),
    "compare-metrics": Route(ENGINEERS, PROJECT, get=200, is_page=False),
    "model": Route(ENGINEERS, ("candidate",), get=200),
    "roll-back-model": Route(ENGINEERS, ("candidate",), post=302),
    "promotions": Route(ENGINEERS, PROJECT, get=200),
    "try-models": Route(ENGINEERS, PROJECT, get=200, post=400),
    "trial": Route(ENGINEERS, ("trial",), get=200),
    "cancel-trial": Route(ENGINEERS, ("trial",), post=302),
    "snapshots": Route(ENGINEERS, PROJECT, get=200),
    "corpora": Route(ENGINEERS, PROJECT, get=200, post=400),
    "take-snapshot": Route(ENGINEERS, PROJECT, post=302),
}

# Open to whoever is not signed in: name → verb → status; all other verbs get 405.
OPEN = {
    "choose-language": {"POST": 400},
    # With a key that was never made; tests/labeling/test_invitation_pages.py opens those that were.
    "invitation": {"GET": 404, "HEAD": 404, "POST": 404},
}
OPEN_ARGUMENTS = {"invitation": ["no-such-key"]}

# allauth's pages, without arguments: name → status of GET for (whoever is not signed in, a signed-in person).
# Sign-up stays closed (it says so), and whatever is about an account asks for a sign-in.
ACCOUNTS = {
    "account_login": (200, 302),
    "account_logout": (302, 200),
    "account_inactive": (200, 200),
    "account_signup": (200, 302),
    "account_reauthenticate": (302, 200),
    "account_email": (302, 200),
    "account_email_verification_sent": (200, 200),
    "account_change_password": (302, 200),
    "account_set_password": (302, 302),
    "account_reset_password": (200, 200),
    "account_reset_password_done": (200, 200),
    "account_reset_password_from_key": (200, 200),
    "account_reset_password_from_key_done": (200, 200),
    "account_confirm_login_code": (302, 302),
    "account_confirm_email": (200, 200),
    "usersessions_list": (302, 200),
}

# Covered by tables of their own.
ELSEWHERE = {
    "api/": "tests/training/api/test_access.py",
    "admin/": "tests/test_admin.py",
}
