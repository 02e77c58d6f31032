"""Labeling's routes of the API."""

from django.urls import path

from labeling.api import assignments, judgments, projects

urlpatterns = [
    path("projects/", projects.Projects.as_view(), name="api-projects"),
    path("projects/<uuid:project_id>/", projects.OneProject.as_view(), name="api-project"),
    path(
        "projects/<uuid:project_id>/assignments/", assignments.Assignments.as_view(), name="api-assignments"
    ),
    path("projects/<uuid:project_id>/judgments/", judgments.Judgments.as_view(), name="api-judgments"),
    path("assignments/<uuid:assignment_id>/", assignments.OneAssignment.as_view(), name="api-assignment"),
    path("assignments/<uuid:assignment_id>/renew/", assignments.Renewal.as_view(), name="api-renew"),
    path("assignments/<uuid:assignment_id>/draft/", assignments.Draft.as_view(), name="api-draft"),
    path("assignments/<uuid:assignment_id>/submit/", assignments.Submissions.as_view(), name="api-submit"),
    path("assignments/<uuid:assignment_id>/skip/", assignments.Skip.as_view(), name="api-skip"),
]
