"""One's own account."""

from django.urls import path

from labeling import token_views

urlpatterns = [
    path("tokens/", token_views.tokens, name="tokens"),
    path("tokens/<uuid:token_id>/revoke/", token_views.revoke, name="revoke-token"),
]
