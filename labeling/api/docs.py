"""The API's description: the schema for programs, and a page that reads it for people."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated

from labeling.api import throttles
from labeling.api.authentication import TokenAuthentication
from labeling.api.base import AlwaysJson
from labeling.api.problems import answer_with_problem


class Schema(SpectacularAPIView):
    """OpenAPI 3.1, for whoever has a token or is signed in."""

    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated]
    renderer_classes = [OpenApiJsonRenderer]
    content_negotiation_class = AlwaysJson
    http_method_names = ["get", "head"]

    def initial(self, request: Any, *args: Any, **names: Any) -> None:
        throttles.check(request)
        super().initial(request, *args, **names)

    def get_exception_handler(self) -> Any:
        return answer_with_problem


class Docs(LoginRequiredMixin, SpectacularSwaggerSplitView):
    """Swagger UI from our own origin; its script is an address of its own, as the policy wants it."""

    authentication_classes = [SessionAuthentication]
    permission_classes = []
    http_method_names = ["get", "head"]
    url_name = "api-schema"
    template_name = "api/docs.html"
    title = "API"
