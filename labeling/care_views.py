"""Care for people: the sensitive topics that somebody says yes to."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from labeling import actions
from labeling.access import PersonRequest
from labeling.models import Topic


class TopicsForm(forms.Form):
    topics = forms.MultipleChoiceField(
        label=gettext_lazy("You may give me tasks about"),
        choices=Topic.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def care(request: PersonRequest) -> HttpResponse:
    """Which sensitive topics this person's tasks may be about, in every project."""
    sent = request.POST if request.method == "POST" else None
    form = TopicsForm(sent, initial={"topics": request.user.topics})
    if request.method == "POST" and form.is_valid():
        actions.choose_topics(user=request.user, topics=form.cleaned_data["topics"])
        messages.success(request, _("It is saved, and holds from your next task on."))
        return redirect("care")
    return render(request, "care.html", {"form": form}, status=400 if form.errors else 200)
