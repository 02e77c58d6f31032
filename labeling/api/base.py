"""What all routes of the API share: tokens and scopes, JSON, throttles, one shape of errors."""

import math
from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from labeling.api import throttles
from labeling.api.authentication import TokenAuthentication
from labeling.api.kept_serializers import kept
from labeling.api.problems import answer_with_problem
from labeling.errors import DomainError


class StrictJsonParser(JSONParser):
    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            sent = super().parse(stream, media_type, parser_context)
            _check_storable(sent)
        except RecursionError as error:
            raise exceptions.ParseError(_("The JSON is nested too deeply.")) from error
        return sent


def _check_storable(sent: Any) -> None:
    """JSON allows what no database keeps: NUL, halves of characters, numbers beyond all bounds."""
    match sent:
        case str():
            if "\x00" in sent or any("\ud800" <= character <= "\udfff" for character in sent):
                raise exceptions.ParseError(_("A text holds a NUL or half a character; take it out."))
        case float():
            if not math.isfinite(sent):
                raise exceptions.ParseError(_("A number is too large."))
        case int():
            if abs(sent) >= 2**63:
                raise exceptions.ParseError(_("A number is too large."))
        case list():
            for entry in sent:
                _check_storable(entry)
        case dict():
            for name, entry in sent.items():
                _check_storable(name)
                _check_storable(entry)


class AlwaysJson(BaseContentNegotiation):
    """There is one representation, so what a caller accepts decides nothing."""

    usual = DefaultContentNegotiation()

    def select_parser(self, request: Request, parsers: list[Any]) -> Any:
        return self.usual.select_parser(request, parsers)

    def select_renderer(self, request: Request, renderers: list[Any], format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class MissingScope(DomainError):
    status = 403


class ApiView(APIView):
    """A route. `scope` is what a token needs for it; a subclass may give each method its own in `scopes`."""

    authentication_classes: ClassVar[list[Any]] = [TokenAuthentication]
    permission_classes: ClassVar[list[Any]] = []
    throttle_classes: ClassVar[list[Any]] = []
    parser_classes: ClassVar[list[Any]] = [StrictJsonParser]
    renderer_classes: ClassVar[list[Any]] = [JSONRenderer]
    content_negotiation_class = AlwaysJson
    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "put"]
    scope = "read"
    scopes: ClassVar[dict[str, str]] = {}

    def initial(self, request: Request, *args: Any, **names: Any) -> None:
        request._request.body  # noqa: B018 - read at once: a body over the limit is refused here
        throttles.check(request)
        super().initial(request, *args, **names)
        if request.auth is None:
            raise exceptions.NotAuthenticated(_("Send a token: Authorization: Bearer …"))
        scope = self.scope_of(request.method)
        # A method that is not there is not allowed whatever the scope: the handler says so.
        if request.method in self.allowed_methods and scope not in request.auth.scopes:
            raise MissingScope("missing_scope", _("This token lacks the scope %s.") % scope)

    @classmethod
    def scope_of(cls, method: str) -> str:
        return cls.scopes.get("GET" if method == "HEAD" else method, cls.scope)

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "no-store"}

    def get_exception_handler(self) -> Any:
        return answer_with_problem

    def sent(self, serializer: type[Serializer]) -> dict[str, Any]:
        """The body as the serializer takes it; a ValidationError names what is off."""
        if not isinstance(self.request.data, dict):
            serializer(data=self.request.data).is_valid(raise_exception=True)
        reading = kept(serializer)
        checked: dict[str, Any] = reading.run_validation(self.request.data)
        if unknown := set(self.request.data) - set(reading.fields):
            raise exceptions.ValidationError({name: _("There is no such field.") for name in sorted(unknown)})
        return checked

    def asked(self, serializer: type[Serializer]) -> dict[str, Any]:
        """The parameters of the address."""
        reading = serializer(data=self.request.query_params.dict())
        reading.is_valid(raise_exception=True)
        checked: dict[str, Any] = reading.validated_data
        return checked


class NoSuchRoute(ApiView):
    """What no other route answers."""

    schema = None

    def initial(self, request: Request, *args: Any, **names: Any) -> None:
        throttles.check(request)
        raise Http404
