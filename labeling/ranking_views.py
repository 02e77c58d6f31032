"""What the ranking page asks for besides the task itself."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labeling import access, queries
from labeling.access import PersonRequest
from labeling.differences import differences


@login_required
@require_safe
def compare_outputs(request: PersonRequest, assignment_id: uuid.UUID) -> HttpResponse:
    """Two outputs of one's own task side by side, with what differs marked; the first two unless named."""
    assignment = access.assignment_for(request.user, assignment_id)
    outputs = {str(output.number): output for output in queries.outputs_of(assignment)}
    if len(outputs) < 2:
        raise Http404
    pair = [
        outputs.get(request.GET.get(name, usual), outputs[usual]) for name, usual in (("a", "1"), ("b", "2"))
    ]
    pieces = differences(pair[0].text, pair[1].text)
    context = {
        "project": assignment.task.project,
        "assignment": assignment,
        "prompt": assignment.task.prompt,
        "sides": list(zip(pair, pieces, strict=True)),
    }
    template = "_comparison.html" if request.headers.get("HX-Request") else "compare_outputs.html"
    return render(request, template, context)
