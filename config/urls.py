"""Joins the apps' URLs."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", include("training.urls")),
    path("", include("labeling.urls")),
]
