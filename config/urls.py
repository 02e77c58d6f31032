"""Joins the apps' URLs."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("account/", include("labeling.token_urls")),
    path("api/v1/", include("config.api")),
    path("admin/", admin.site.urls),
    path("", include("training.urls")),
    path("", include("labeling.urls")),
]

# allauth's name for the answer to whoever asks too often.
handler429 = "labeling.accounts.too_many_requests"
