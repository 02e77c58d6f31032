"""Labeling's pages."""

from django.urls import path

from labeling import language, views

urlpatterns = [
    path("", views.home, name="home"),
    path("language/", language.choose_language, name="choose-language"),
    path("projects/<uuid:project_id>/", views.project, name="project"),
    path("projects/<uuid:project_id>/guidelines/", views.guidelines, name="guidelines"),
    path("projects/<uuid:project_id>/next/<str:kind>/", views.next_task, name="next-task"),
    path("projects/<uuid:project_id>/nothing/<str:kind>/", views.nothing_to_do, name="nothing-to-do"),
    path("assignments/<uuid:assignment_id>/", views.assignment, name="assignment"),
    path("assignments/<uuid:assignment_id>/submit/", views.submit, name="submit"),
    path("assignments/<uuid:assignment_id>/skip/", views.skip, name="skip"),
    path("assignments/<uuid:assignment_id>/draft/", views.draft, name="draft"),
]
