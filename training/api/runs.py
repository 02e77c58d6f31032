"""Runs: start, cancel, follow."""

import uuid
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import access
from labeling.api.base import ApiView
from labeling.api.idempotency import answered_once
from labeling.api.paging import PageParameters, page_of
from labeling.api.schema import page_schema
from labeling.errors import DomainError
from labeling.models import Project
from training import actions, queries
from training.access import run_for
from training.actions.runs import NEEDED_CONTENT, SAMPLED_SPLITS
from training.api.serializers import LogTail, MetricParameters, MetricsFollowed, RunDetail, RunShown, RunWish
from training.models import ModelVersion, Snapshot
from training.queries.follow import metrics_since, versions_by_public_id


class Runs(ApiView):
    tag = "runs"
    scopes = {"POST": "train"}

    @extend_schema(operation_id="list_runs", parameters=[PageParameters], responses=page_schema(RunShown))
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """The project's runs, newest first."""
        project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
        rows = queries.runs_of(project).select_related("snapshot", "corpus", "model_version")
        return page_of(rows, self.asked(PageParameters), lambda rows: RunShown(rows, many=True).data)

    @extend_schema(operation_id="start_run", request=RunWish, responses={201: RunShown})
    @answered_once
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        """Queue a run. What is not named is what its button on the page would take."""
        project = access.project_for(request.user, project_id, roles=access.ENGINEERS)
        wish = self.sent(RunWish)
        run = actions.start_run(
            project=project,
            kind=wish["kind"],
            inputs=_inputs(project, wish),
            actor=request.user,
            snapshot=_snapshot(project, wish),
            corpus=_corpus(project, wish),
            ensemble=_ensemble(project, wish),
            config=wish["config"],
            splits=SAMPLED_SPLITS if wish["splits"] is None else wish["splits"],
        )
        return Response(RunShown(run).data, status=201)


class OneRun(ApiView):
    tag = "runs"

    @extend_schema(operation_id="get_run", responses=RunDetail)
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """One run: its state and progress."""
        return Response(RunDetail(run_for(request.user, run_id)).data)


class Cancellation(ApiView):
    tag = "runs"
    scope = "train"

    @extend_schema(operation_id="cancel_run", request=None, responses=RunShown)
    @answered_once
    def post(self, request: Request, run_id: uuid.UUID) -> Response:
        """End a run that waits; ask one that works to stop, which it does within seconds."""
        run = actions.cancel_run(run=run_for(request.user, run_id), actor=request.user)
        return Response(RunShown(run).data)


class RunMetrics(ApiView):
    tag = "runs"

    @extend_schema(
        operation_id="follow_run_metrics", parameters=[MetricParameters], responses=MetricsFollowed
    )
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """What a run has measured since a step."""
        run = run_for(request.user, run_id)
        asked = self.asked(MetricParameters)
        names = [asked["name"]] if "name" in asked else []
        found = metrics_since(run, step=asked["since"], names=names)
        answer = {
            "status": run.status,
            **{n: getattr(found, n) for n in ("attempt", "last_step", "has_more")},
        }
        return Response(MetricsFollowed({**answer, "values": found.values}).data)


class RunLog(ApiView):
    tag = "runs"

    @extend_schema(operation_id="read_run_log", responses=LogTail)
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """The end of what the engine has printed."""
        run = run_for(request.user, run_id)
        return Response(LogTail({"status": run.status, "tail": queries.log_tail(run)}).data)


def _inputs(project: Project, wish: dict[str, Any]) -> dict[str, ModelVersion]:
    versions = versions_by_public_id(project, list(wish["inputs"].values()))
    inputs = queries.usual_inputs(project, wish["kind"])
    for role, public_id in wish["inputs"].items():
        if public_id not in versions:
            message = _("This project has no such model.")
            raise DomainError("unknown_model", message, {f"inputs.{role}": message})
        inputs[role] = versions[public_id]
    return inputs


def _ensemble(project: Project, wish: dict[str, Any]) -> list[ModelVersion]:
    versions = versions_by_public_id(project, wish["ensemble"])
    if len(versions) < len(set(wish["ensemble"])):
        message = _("This project has no such model.")
        raise DomainError("unknown_model", message, {"ensemble": message})
    return [versions[public_id] for public_id in wish["ensemble"]]


def _corpus(project: Project, wish: dict[str, Any]) -> Snapshot | None:
    if wish["corpus"] is None:
        return None
    corpus = queries.corpora_of(project).filter(public_id=wish["corpus"]).first()
    if corpus is None:
        message = _("This project has no such corpus.")
        raise DomainError("unknown_corpus", message, {"corpus": message})
    return corpus


def _snapshot(project: Project, wish: dict[str, Any]) -> Snapshot | None:
    if wish["snapshot"] is None:
        content = NEEDED_CONTENT.get(wish["kind"])
        return queries.newest_snapshot(project, holding=content) if content else None
    snapshot = queries.snapshots_of(project).filter(public_id=wish["snapshot"]).first()
    if snapshot is None:
        message = _("This project has no such snapshot.")
        raise DomainError("unknown_snapshot", message, {"snapshot": message})
    return snapshot
