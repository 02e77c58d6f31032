"""Model versions: list, look at one, promote, roll back."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import access
from labeling.api.base import ApiView
from labeling.api.idempotency import answered_once
from labeling.api.paging import PageParameters, page_of
from labeling.api.schema import page_schema
from training import actions
from training.access import readable_version_for, version_for
from training.api.serializers import ModelShown, Note, Promoted
from training.models import ModelVersion, Run
from training.queries.follow import versions_readable_in


class Models(ApiView):
    tag = "models"

    @extend_schema(operation_id="list_models", parameters=[PageParameters], responses=page_schema(ModelShown))
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """The project's model versions and the shared bases, newest first."""
        project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
        return page_of(
            versions_readable_in(project),
            self.asked(PageParameters),
            lambda rows: ModelShown(rows, many=True).data,
        )


class OneModel(ApiView):
    tag = "models"

    @extend_schema(operation_id="get_model", responses=ModelShown)
    def get(self, request: Request, version_id: uuid.UUID) -> Response:
        """One model version."""
        return Response(ModelShown(readable_version_for(request.user, version_id)).data)


class ModelDecision(ApiView):
    tag = "models"
    scope = "train"

    def decided(self, request: Request, version_id: uuid.UUID, action: Any) -> Response:
        version = version_for(request.user, version_id)
        note = self.sent(Note)["note"]
        run: Run = action(project=version.project, version=version, user=request.user, note=note)
        version = ModelVersion.objects.get(pk=version.pk)
        return Response(Promoted({"model": version, "run": run.public_id}).data)


class ModelPromotion(ModelDecision):
    @extend_schema(operation_id="promote_model", request=Note, responses=Promoted)
    @answered_once
    def post(self, request: Request, version_id: uuid.UUID) -> Response:
        """Make a version the project's policy, and have it sampled for the next round."""
        return self.decided(request, version_id, actions.promote_model)


class ModelRollback(ModelDecision):
    @extend_schema(operation_id="roll_back_to_model", request=Note, responses=Promoted)
    @answered_once
    def post(self, request: Request, version_id: uuid.UUID) -> Response:
        """Go back to this version, the policy before the promoted one."""
        return self.decided(request, version_id, actions.roll_back)
