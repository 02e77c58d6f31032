"""How the API describes itself: every operation with its scope and every status it may answer."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

PROBLEM = "application/problem+json"

# Status → why. What an operation answers with when it succeeds, each says of itself.
ALWAYS = {
    400: "What was sent does not fit; `fields` says where.",
    401: "No token, or one that is unknown, revoked or expired.",
    403: "The token lacks the scope.",
    404: "There is no such thing, or not for the owner of this token.",
    405: "There is no such method here.",
    413: "The body is too large.",
    429: "Too many requests; `Retry-After` says how many seconds to wait.",
    500: "A fault of the server; nothing was changed.",
}
WITH_BODY = {
    409: "The thing has moved on since, or its state forbids this; `detail` says what to do.",
    415: "The body is not JSON.",
}
WITH_KEY = {422: "The Idempotency-Key came with another request before."}


class Problem(serializers.Serializer):
    type = serializers.CharField(help_text="A URN that names the kind of problem.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for a person: what to do.")
    code = serializers.CharField(help_text="Stable, for programs.")
    fields = serializers.DictField(
        child=serializers.CharField(), help_text="What was sent → what is wrong with it."
    )


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "labeling.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of your own, made on the page /account/tokens/.",
        }


class ApiSchema(AutoSchema):
    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        if self._is_answered_once():
            parameters.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
                    OpenApiParameter.HEADER,
                    description="The same request with the same key again, within 24 hours, is done once and "
                    "answered alike. A UUID will do.",
                )
            )
        return parameters

    def get_description(self) -> str:
        return f"{super().get_description()}\n\nScope: `{self.view.scope_of(self.method)}`".strip()

    def get_summary(self) -> str | None:
        """The first sentence of the method's docstring."""
        handler = getattr(self.view, self.method.lower())
        return (handler.__doc__ or "").strip().partition("\n")[0].rstrip(".") or None

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        has_body = self.method != "GET"
        reasons = ALWAYS | (WITH_BODY if has_body else {}) | (WITH_KEY if self._is_answered_once() else {})
        for status, reason in sorted(reasons.items()):
            bodies[str(status)] = {
                "description": f"{HTTPStatus(status).phrase}. {reason}",
                "content": {PROBLEM: {"schema": self.resolve_serializer(Problem, direction).ref}},
            }
        return bodies

    def _is_answered_once(self) -> bool:
        return hasattr(getattr(self.view, self.method.lower()), "is_answered_once")


def page_schema(row: type[serializers.Serializer]) -> serializers.Serializer:
    """What a list answers: a page of rows, and the cursor of the next."""
    fields = {
        "items": row(many=True),
        "next_cursor": serializers.CharField(
            allow_null=True, help_text="Send it as `cursor` for the next page; null on the last."
        ),
    }
    return inline_serializer(f"{row.__name__}Page", fields)


def refuse_unknown_fields(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """What is sent holds the fields that are described and no others."""
    for name, component in result.get("components", {}).get("schemas", {}).items():
        if name.endswith("Request") and component.get("type") == "object":
            component["additionalProperties"] = False
    return result
