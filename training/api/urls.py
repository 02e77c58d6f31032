"""Training's routes of the API."""

from django.urls import path

from training.api import models, runs, snapshots

urlpatterns = [
    path("projects/<uuid:project_id>/snapshots/", snapshots.Snapshots.as_view(), name="api-snapshots"),
    path("projects/<uuid:project_id>/corpora/", snapshots.Corpora.as_view(), name="api-corpora"),
    path("snapshots/<uuid:snapshot_id>/", snapshots.OneSnapshot.as_view(), name="api-snapshot"),
    path("projects/<uuid:project_id>/runs/", runs.Runs.as_view(), name="api-runs"),
    path("runs/<uuid:run_id>/", runs.OneRun.as_view(), name="api-run"),
    path("runs/<uuid:run_id>/cancel/", runs.Cancellation.as_view(), name="api-cancel-run"),
    path("runs/<uuid:run_id>/metrics/", runs.RunMetrics.as_view(), name="api-run-metrics"),
    path("runs/<uuid:run_id>/log/", runs.RunLog.as_view(), name="api-run-log"),
    path("projects/<uuid:project_id>/models/", models.Models.as_view(), name="api-models"),
    path("models/<uuid:version_id>/", models.OneModel.as_view(), name="api-model"),
    path("models/<uuid:version_id>/promote/", models.ModelPromotion.as_view(), name="api-promote-model"),
    path("models/<uuid:version_id>/roll-back/", models.ModelRollback.as_view(), name="api-roll-back"),
]
