"""Training's pages."""

from django.urls import path

from training import corpus_views, loop_page, model_views, run_views, views

urlpatterns = [
    path("projects/<uuid:project_id>/loop/", loop_page.loop, name="loop"),
    path("projects/<uuid:project_id>/loop/start/<str:kind>/", loop_page.start_stage, name="start-stage"),
    path("projects/<uuid:project_id>/loop/rule/", loop_page.retrain_rule, name="retrain-rule"),
    path("chains/<uuid:chain_id>/cancel/", loop_page.cancel_chain, name="cancel-chain"),
    path("projects/<uuid:project_id>/runs/", views.runs, name="runs"),
    path("projects/<uuid:project_id>/runs/start/<str:kind>/", views.start_run, name="start-run"),
    path("projects/<uuid:project_id>/runs/compare/", run_views.compare_runs, name="compare-runs"),
    path(
        "projects/<uuid:project_id>/runs/compare/metrics.json",
        run_views.compare_metrics,
        name="compare-metrics",
    ),
    path("runs/<uuid:run_id>/", views.run, name="run"),
    path("runs/<uuid:run_id>/retry/", run_views.retry_run, name="retry-run"),
    path("runs/<uuid:run_id>/metrics.json", views.run_metrics, name="run-metrics"),
    path("runs/<uuid:run_id>/log.txt", views.run_log, name="run-log"),
    path("runs/<uuid:run_id>/cancel/", views.cancel_run, name="cancel-run"),
    path("projects/<uuid:project_id>/models/", views.models, name="models"),
    path("projects/<uuid:project_id>/models/try/", model_views.try_models, name="try-models"),
    path("projects/<uuid:project_id>/promotions/", model_views.promotions, name="promotions"),
    path("models/<uuid:version_id>/", model_views.model, name="model"),
    path("models/<uuid:version_id>/roll-back/", model_views.roll_back_model, name="roll-back-model"),
    path("trials/<uuid:trial_id>/", model_views.trial, name="trial"),
    path("trials/<uuid:trial_id>/cancel/", model_views.cancel_trial, name="cancel-trial"),
    path("projects/<uuid:project_id>/models/adopt/<uuid:base_id>/", views.adopt_base, name="adopt-base"),
    path("models/<uuid:version_id>/promote/", views.promote_model, name="promote-model"),
    path("projects/<uuid:project_id>/snapshots/", views.snapshots, name="snapshots"),
    path("projects/<uuid:project_id>/corpora/", corpus_views.corpora, name="corpora"),
    path("projects/<uuid:project_id>/snapshots/take/", views.take_snapshot, name="take-snapshot"),
]
