"""One's own account."""

from django.urls import path

from labeling import session_views, token_views

urlpatterns = [
    path("tokens/", token_views.tokens, name="tokens"),
    path("tokens/<uuid:token_id>/revoke/", token_views.revoke, name="revoke-token"),
    path("sessions/end/", session_views.end_session, name="end-session"),
]
