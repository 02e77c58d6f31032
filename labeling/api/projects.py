"""Projects, with how far they have come."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import access, queries
from labeling.api.base import ApiView
from labeling.api.paging import PageParameters, page_of
from labeling.api.schema import page_schema
from labeling.api.serializers import ProjectDetail, ProjectRow
from labeling.models import Project, Task, User


class Projects(ApiView):
    tag = "projects"

    @extend_schema(
        operation_id="list_projects", parameters=[PageParameters], responses=page_schema(ProjectRow)
    )
    def get(self, request: Request) -> Response:
        """The projects you are in, newest first."""
        return page_of(
            access.projects_of(request.user),
            self.asked(PageParameters),
            lambda rows: ProjectRow(rows, many=True).data,
        )


class OneProject(ApiView):
    tag = "projects"

    @extend_schema(operation_id="get_project", responses=ProjectDetail)
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """One project: your roles in it, and its counts."""
        project = access.project_for(request.user, project_id)
        return Response(ProjectDetail(_described(request.user, project)).data)


def _described(user: User, project: Project) -> dict[str, Any]:
    counts = queries.task_counts(project)
    mine = queries.submissions_by(user, project)
    waiting = queries.all_waiting_for(user, project)
    shows_open_tasks = access.may_see_open_tasks(user, project)
    kinds = {
        kind: {
            "open": counts[kind].open if shows_open_tasks else None,
            "complete": counts[kind].complete if shows_open_tasks else None,
            "submissions": counts[kind].submissions,
            "waiting_for_you": waiting[kind],
            "submitted_by_you": mine[kind],
        }
        for kind in Task.Kind.values
    }
    columns = ("public_id", "name", "languages", "completions_per_prompt", "paused_at", "created_at")
    return {
        **{column: getattr(project, column) for column in columns},
        "roles": sorted(access.roles_in(user, project)),
        "counts": {"prompts": queries.prompt_count(project), **kinds},
    }
