"""Joins the apps' routes of the API, with its description."""

from django.urls import include, path, re_path

from labeling.api.base import NoSuchRoute
from labeling.api.docs import Docs, Schema

urlpatterns = [
    path("", include("labeling.api.urls")),
    path("", include("training.api.urls")),
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", Docs.as_view(), name="api-docs"),
    re_path(r"", NoSuchRoute.as_view(), name="api-nothing"),
]
