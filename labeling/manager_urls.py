"""Managers' pages."""

from django.urls import path

from labeling import (
    answer_views,
    invitation_views,
    launch_views,
    opening_views,
    rubric_views,
    suspension_views,
)
from labeling import answer_views, queue_views, rubric_views, task_set_views
from labeling import import_views as imports
from labeling import manager_views as views

PROJECT = "projects/<uuid:project_id>/manage/"

urlpatterns = [
    path("projects/new/", launch_views.create_project, name="create-project"),
    path(PROJECT, views.progress, name="manage"),
    path(f"{PROJECT}settings/", views.settings, name="manage-settings"),
    path(f"{PROJECT}pause/", views.pause, name="pause-project"),
    path(f"{PROJECT}resume/", views.resume, name="resume-project"),
    path(f"{PROJECT}queue/", queue_views.change_queue, name="change-queue"),
    path(f"{PROJECT}overlap/", queue_views.apply_overlap, name="apply-overlap"),
    path(f"{PROJECT}guidelines/", views.guidelines, name="manage-guidelines"),
    path("guidelines/<uuid:version_id>/", views.guideline_version, name="guideline-version"),
    path(f"{PROJECT}rubric/", rubric_views.rubric, name="manage-rubric"),
    path("rubrics/<uuid:version_id>/", rubric_views.rubric_version, name="rubric-version"),
    path(f"{PROJECT}people/", views.people, name="manage-people"),
    path(f"{PROJECT}people/<uuid:user_id>/roles/", views.roles, name="give-roles"),
    path(f"{PROJECT}plan/", launch_views.plan, name="manage-plan"),
    path(f"{PROJECT}plan/apply/", launch_views.apply_plan, name="apply-plan"),
    path(f"{PROJECT}pilot/", launch_views.pilot, name="manage-pilot"),
    path(f"{PROJECT}pilot/start/", launch_views.start_pilot, name="start-pilot"),
    path(f"{PROJECT}pilot/end/", launch_views.end_pilot, name="end-pilot"),
    path(f"{PROJECT}pilot/go/", launch_views.open_the_rest, name="open-the-rest"),
    path(f"{PROJECT}people/<uuid:user_id>/suspend/", suspension_views.suspend_member, name="suspend-member"),
    path("suspensions/<uuid:suspension_id>/lift/", suspension_views.lift_suspension, name="lift-suspension"),
    path("people/<uuid:user_id>/", suspension_views.account, name="account"),
    path("people/<uuid:user_id>/suspend/", suspension_views.suspend_account, name="suspend-account"),
    path("people/<uuid:user_id>/reset-link/", suspension_views.reset_link, name="reset-link"),
    path(f"{PROJECT}invitations/", invitation_views.invitations, name="manage-invitations"),
    path("invitations/<uuid:invitation_id>/revoke/", invitation_views.revoke, name="revoke-invitation"),
    path(
        f"{PROJECT}people/<uuid:user_id>/qualification/",
        queue_views.change_qualification,
        name="change-qualification",
    ),
    path(f"{PROJECT}sets/", task_set_views.task_sets, name="task-sets"),
    path("task-sets/<uuid:set_id>/", task_set_views.task_set, name="task-set"),
    path("task-sets/<uuid:set_id>/tasks/", task_set_views.fill_task_set, name="fill-task-set"),
    path(f"{PROJECT}tasks/", views.tasks, name="manage-tasks"),
    path(f"{PROJECT}tasks/open/", opening_views.open_tasks, name="manage-open"),
    path("openings/<uuid:opening_id>/", opening_views.opening, name="opening"),
    path("openings/<uuid:opening_id>/cancel/", opening_views.cancel_opening, name="cancel-opening"),
    path("tasks/<uuid:task_id>/", views.task, name="manage-task"),
    path("tasks/<uuid:task_id>/withdraw/", views.withdraw_task, name="withdraw-task"),
    path("tasks/<uuid:task_id>/reopen/", views.reopen_task, name="reopen-task"),
    path("tasks/<uuid:task_id>/reference/", queue_views.set_reference, name="set-reference"),
    path("tasks/<uuid:task_id>/mark/", views.mark_task, name="mark-task"),
    path(f"{PROJECT}questions/", answer_views.asked, name="manage-questions"),
    path("threads/<uuid:thread_id>/", answer_views.answer, name="answer-question"),
    path("threads/<uuid:thread_id>/close/", answer_views.close, name="close-question"),
    path("threads/<uuid:thread_id>/publish/", answer_views.publish, name="publish-answer"),
    path(f"{PROJECT}faq/", answer_views.faq, name="manage-faq"),
    path("faq/<uuid:entry_id>/", answer_views.faq_entry, name="faq-entry"),
    path("faq/<uuid:entry_id>/retire/", answer_views.retire_faq_entry, name="retire-faq-entry"),
    path(f"{PROJECT}imports/", imports.imports, name="manage-imports"),
    path("imports/<uuid:import_id>/", imports.show_import, name="import"),
    path("imports/<uuid:import_id>/map/", imports.map_import, name="map-import"),
    path("imports/<uuid:import_id>/start/", imports.start_import, name="start-import"),
    path("imports/<uuid:import_id>/cancel/", imports.cancel_import, name="cancel-import"),
    path("imports/<uuid:import_id>/problems.csv", imports.problems, name="import-problems"),
]
