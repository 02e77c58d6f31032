"""One's own API tokens: make, see, revoke."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from labeling import access
from labeling.access import PersonRequest
from labeling.actions.tokens import make_token, revoke_token
from labeling.errors import DomainError
from labeling.models import ApiToken
from labeling.token_queries import tokens_of

LIFETIMES = [
    (30, gettext_lazy("30 days")),
    (90, gettext_lazy("90 days")),
    (365, gettext_lazy("one year")),
]


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=120,
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("What will use it, such as “nightly retraining”."),
    )
    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices,
        label=gettext_lazy("It may"),
        initial=[ApiToken.Scope.READ],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        choices=LIFETIMES, coerce=int, initial=90, label=gettext_lazy("Expires after")
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: PersonRequest) -> HttpResponse:
    """The list, and the form that makes one; the key is in the answer to the form, and nowhere after."""
    form, key = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            key = make_token(user=request.user, **form.cleaned_data)[1]
        except DomainError as error:
            for field, message in (error.fields or {"": error.message}).items():
                form.add_error(field or None, message)
        else:
            form = TokenForm()
    context: dict[str, Any] = {"form": form, "key": key, "tokens": tokens_of(request.user)}
    return render(request, "account/tokens.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def revoke(request: PersonRequest, token_id: uuid.UUID) -> HttpResponse:
    token = access.token_for(request.user, token_id)
    revoke_token(token=token)
    messages.success(request, _("%s is revoked: no request with it is answered any more.") % token.name)
    return redirect("tokens")
