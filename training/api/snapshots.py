"""Snapshots: list, take, look at one."""

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import access
from labeling.api.base import ApiView
from labeling.api.idempotency import answered_once
from labeling.api.paging import PageParameters, page_of
from labeling.api.schema import page_schema
from training import actions, queries
from training.access import snapshot_for
from training.api.serializers import CorpusShown, SnapshotShown, SnapshotWish


class Snapshots(ApiView):
    tag = "snapshots"
    scopes = {"POST": "train"}

    @extend_schema(
        operation_id="list_snapshots", parameters=[PageParameters], responses=page_schema(SnapshotShown)
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """The project's snapshots, newest first."""
        project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
        return page_of(
            queries.snapshots_of(project),
            self.asked(PageParameters),
            lambda rows: SnapshotShown(rows, many=True).data,
        )

    @extend_schema(operation_id="take_snapshot", request=SnapshotWish, responses={201: SnapshotShown})
    @answered_once
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        """Have the record written to files by a worker: `building`, then `ready` or `failed`."""
        project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
        snapshot = actions.take_snapshot(project=project, user=request.user, **self.sent(SnapshotWish))
        return Response(SnapshotShown(snapshot).data, status=201)


class Corpora(ApiView):
    tag = "snapshots"

    @extend_schema(
        operation_id="list_corpora", parameters=[PageParameters], responses=page_schema(CorpusShown)
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """The project's text corpora, newest first."""
        project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
        return page_of(
            queries.corpora_of(project),
            self.asked(PageParameters),
            lambda rows: CorpusShown(rows, many=True).data,
        )


class OneSnapshot(ApiView):
    tag = "snapshots"

    @extend_schema(operation_id="get_snapshot", responses=SnapshotShown)
    def get(self, request: Request, snapshot_id: uuid.UUID) -> Response:
        """One snapshot."""
        return Response(SnapshotShown(snapshot_for(request.user, snapshot_id)).data)
