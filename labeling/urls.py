"""Labeling's pages."""

from django.urls import include, path

from labeling import (
    care_views,
    export_views,
    history_views,
    language,
    prompt_views,
    question_views,
    ranking_views,
    review_views,
    views,
    work_views,
    writing_views,
)

urlpatterns = [
    path("", include("labeling.manager_urls")),
    path("", views.home, name="home"),
    path("language/", language.choose_language, name="choose-language"),
    path("projects/<uuid:project_id>/", views.project, name="project"),
    path("projects/<uuid:project_id>/guidelines/", views.guidelines, name="guidelines"),
    path("projects/<uuid:project_id>/next/<str:kind>/", work_views.next_task, name="next-task"),
    path("projects/<uuid:project_id>/reserve/<str:kind>/", work_views.reserve_task, name="reserve-task"),
    path(
        "projects/<uuid:project_id>/guidelines/changed/<str:kind>/",
        work_views.changed_guidelines,
        name="changed-guidelines",
    ),
    path("projects/<uuid:project_id>/nothing/<str:kind>/", work_views.nothing_to_do, name="nothing-to-do"),
    path("projects/<uuid:project_id>/tell/<str:kind>/", work_views.wish_for_tasks, name="wish-for-tasks"),
    path("care/", care_views.care, name="care"),
    path("projects/<uuid:project_id>/prompts/write/", prompt_views.write_prompt, name="write-prompt"),
    path("projects/<uuid:project_id>/prompts/draft/", prompt_views.prompt_draft, name="prompt-draft"),
    path("projects/<uuid:project_id>/review/", review_views.reviews, name="reviews"),
    path("submissions/<uuid:submission_id>/review/", review_views.review, name="review"),
    path("history/", history_views.history, name="history"),
    path("questions/", question_views.questions, name="questions"),
    path("assignments/<uuid:assignment_id>/", views.assignment, name="assignment"),
    path("assignments/<uuid:assignment_id>/submit/", views.submit, name="submit"),
    path("assignments/<uuid:assignment_id>/skip/", work_views.skip, name="skip"),
    path("assignments/<uuid:assignment_id>/compare/", ranking_views.compare_outputs, name="compare-outputs"),
    path("assignments/<uuid:assignment_id>/question/", question_views.question, name="question"),
    path("assignments/<uuid:assignment_id>/question/read/", question_views.read_answers, name="read-answers"),
    path("assignments/<uuid:assignment_id>/draft/", work_views.draft, name="draft"),
    path(
        "assignments/<uuid:assignment_id>/preview/",
        writing_views.preview_demonstration,
        name="preview-demonstration",
    ),
    path("projects/<uuid:project_id>/token-count/", writing_views.count_tokens, name="count-tokens"),
    path("projects/<uuid:project_id>/exports/", export_views.exports, name="exports"),
    path("projects/<uuid:project_id>/exports/start/", export_views.start_export, name="start-export"),
    path("exports/<uuid:export_id>/cancel/", export_views.cancel_export, name="cancel-export"),
    path("exports/<uuid:export_id>/delete/", export_views.delete_export, name="delete-export"),
    path("exports/<uuid:export_id>/files/<str:name>", export_views.download_export, name="download-export"),
]
