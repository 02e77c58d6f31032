"""Judgments, for whoever trains on them: the newest revision of each, under pseudonyms."""

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import access
from labeling.api.base import ApiView
from labeling.api.paging import page_of
from labeling.api.schema import page_schema
from labeling.api.serializers import Judgment, JudgmentParameters
from labeling.judgment_queries import judgments_of, submissions_in


class Judgments(ApiView):
    tag = "judgments"

    @extend_schema(
        operation_id="list_judgments", parameters=[JudgmentParameters], responses=page_schema(Judgment)
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """Rankings and demonstrations, oldest first.

        A revised judgment moves to the end, so whoever reads on from the last cursor misses nothing.
        """
        project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
        asked = self.asked(JudgmentParameters)
        filters = {name: value for name, value in asked.items() if name not in {"cursor", "limit"}}
        return page_of(
            judgments_of(project, **filters),
            asked,
            lambda rows: Judgment(rows, many=True, context={"project": project}).data,
            seen_among=submissions_in(project),
            newest_first=False,
        )
