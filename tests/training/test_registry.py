import pytest
from django.db import IntegrityError, transaction

from labeling.errors import Conflict, DomainError
from labeling.models import Project
from tests.making import make_prompt
from tests.training.making import make_promoted, make_version
from training import actions, queries
from training.models import ModelVersion, Promotion, Run


@pytest.fixture
def old(project, tmp_path):
    make_prompt(project)
    return make_promoted(make_version(project, tmp_path / "v0"))


@pytest.fixture
def new(project, old, tmp_path):
    return make_version(project, tmp_path / "v1")


def refusal(project, version):
    with pytest.raises(DomainError) as refused:
        actions.promote_model(project=project, version=version, user=None)
    assert not Promotion.objects.exists()
    assert not Run.objects.exists()
    return refused.value.code


def test_promoting_moves_the_badge_and_keeps_the_history(project, old, new, engineer):
    actions.promote_model(project=project, version=new, user=engineer, note=" better answers ")

    assert queries.promoted_version(project) == new
    promotion = Promotion.objects.get()
    assert (promotion.from_version, promotion.to_version) == (old, new)
    assert (promotion.user, promotion.note) == (engineer, "better answers")


def test_the_writing_page_counts_tokens_by_the_promoted_policy_and_after_a_rollback_by_the_former(
    project, old, new
):
    actions.promote_model(project=project, version=new, user=None)
    project.refresh_from_db()
    assert project.tokenizer_path == f"{new.path}/tokenizer.json"

    actions.roll_back(project=project, version=old, user=None)
    project.refresh_from_db()
    assert project.tokenizer_path == f"{old.path}/tokenizer.json"


def test_the_promoted_policy_is_sampled_for_the_next_round(project, old, new, engineer):
    first = actions.start_run(project=project, kind="sample", inputs={"policy": old}, actor=None)

    run = actions.promote_model(project=project, version=new, user=engineer)

    assert (run.kind, run.round, run.created_by) == ("sample", first.round + 1, engineer)
    assert [i.model_version for i in run.inputs.all()] == [new]
    assert run.splits == ["train", "valid"]


def test_a_rollback_is_a_new_promotion(project, old, new):
    actions.promote_model(project=project, version=new, user=None)
    actions.promote_model(project=project, version=old, user=None)

    assert queries.promoted_version(project) == old
    assert [p.to_version for p in Promotion.objects.order_by("pk")] == [new, old]


def test_a_supervised_model_can_be_promoted(project, old, tmp_path):
    sft = make_version(project, tmp_path / "sft", kind="sft")

    actions.promote_model(project=project, version=sft, user=None)

    assert queries.promoted_version(project) == sft


def test_a_note_that_no_database_keeps_is_refused(project, new):
    with pytest.raises(DomainError, match="NUL"):
        actions.promote_model(project=project, version=new, user=None, note="Better\x00")


def test_the_promoted_one_is_not_promoted_again(project, old):
    assert refusal(project, old) == "promoted_already"


def test_a_reward_model_is_not_promoted(project, tmp_path):
    assert refusal(project, make_version(project, tmp_path / "rm", kind="reward_model")) == "not_a_policy"


def test_another_projects_model_is_not_promoted(old, new):
    other = Project.objects.create(name="Other")

    assert refusal(other, new) == "unknown_model"


def test_a_model_whose_directory_is_gone_is_not_promoted(project, new):
    (new.directory / "config.json").unlink()

    assert refusal(project, new) == "missing_model"
    assert queries.promoted_version(project) != new


def test_the_database_allows_one_promoted_version(old, new):
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(pk=new.pk).update(is_promoted=True)


def test_an_unknown_model_directory_is_refused_by_its_path(project, tmp_path):
    with pytest.raises(DomainError) as refused:
        actions.register_model(
            project=project, kind=ModelVersion.Kind.POLICY, directory=tmp_path / "nothing here"
        )

    assert refused.value.code == "unknown_model_directory"
    assert "nothing here" in refused.value.message
    assert not ModelVersion.objects.exists()


def test_versions_are_numbered_by_project_and_kind(project, tmp_path):
    kinds = ["policy", "policy", "reward_model", "sft", "reward_model"]

    versions = [make_version(project, tmp_path / str(n), kind=kind) for n, kind in enumerate(kinds)]

    assert [v.number for v in versions] == [0, 1, 1, 1, 2]
    assert queries.version_named(project, "policy:v1") == versions[1]
    assert queries.version_named(project, "reward_model:2") == versions[4]
    assert queries.version_named(project, "policy:9") is None
    assert queries.version_named(project, "nonsense") is None


# --- back to the former policy


@pytest.fixture
def third(project, tmp_path, new):
    return make_version(project, tmp_path / "v2")


def roll_back(project, version):
    return actions.roll_back(project=project, version=version, user=None)


def test_rolling_back_leads_to_the_policy_before_and_once_more_to_the_one_before_that(
    project, old, new, third
):
    actions.promote_model(project=project, version=new, user=None)
    actions.promote_model(project=project, version=third, user=None)

    roll_back(project, new)
    assert queries.promoted_version(project) == new
    assert queries.former_policy(project) == old
    roll_back(project, old)
    assert queries.promoted_version(project) == old
    assert queries.former_policy(project) is None


def test_a_rollback_asked_for_twice_goes_back_once(project, old, new, third):
    actions.promote_model(project=project, version=new, user=None)
    actions.promote_model(project=project, version=third, user=None)
    roll_back(project, new)

    with pytest.raises(DomainError) as refused:
        roll_back(project, new)

    assert (refused.value.code, refused.value.status) == ("not_the_former_policy", 409)
    assert queries.promoted_version(project) == new


def test_without_a_former_policy_there_is_nothing_to_roll_back_to(project, old, new):
    with pytest.raises(DomainError) as refused:
        roll_back(project, new)

    assert refused.value.code == "not_the_former_policy"


def test_a_version_that_waits_between_promotions_is_not_the_former_one(project, old, new, third):
    actions.promote_model(project=project, version=third, user=None)

    assert queries.former_policy(project) == old


def test_a_promotion_ends_the_sampling_of_the_version_it_replaces(project, old, new):
    waiting = actions.start_run(project=project, kind="sample", inputs={"policy": old}, actor=None)
    working = actions.start_run(project=project, kind="sample", inputs={"policy": old}, actor=None)
    actions.claim_run(run_id=working.pk, node="node-1")
    other = actions.start_run(project=project, kind="sample", inputs={"policy": new}, actor=None)

    actions.promote_model(project=project, version=new, user=None)

    for run in (waiting, working, other):
        run.refresh_from_db()
    assert (waiting.status, working.is_cancelling, other.status) == ("cancelled", True, "queued")


def test_the_history_tells_rollbacks_from_promotions(project, old, new):
    actions.promote_model(project=project, version=new, user=None)
    actions.promote_model(project=project, version=old, user=None)
    actions.promote_model(project=project, version=new, user=None)

    rows = queries.history(list(queries.promotions_of(project)))

    assert [row.is_rollback for row in rows] == [True, True, False]


def test_a_new_project_starts_from_a_shared_base(project, engineer, tmp_path):
    make_prompt(project)
    base = make_version(None, tmp_path / "base", kind="base")

    run = actions.adopt_base(project=project, base=base, user=engineer)

    policy = ModelVersion.objects.get(project=project)
    assert (policy.kind, policy.number, policy.path, policy.is_promoted) == ("policy", 0, base.path, True)
    assert run.kind == "sample"
    assert run.inputs.get().model_version == policy


def test_a_project_with_a_policy_takes_no_other_base(project, engineer, tmp_path):
    make_prompt(project)
    base = make_version(None, tmp_path / "base", kind="base")
    actions.adopt_base(project=project, base=base, user=engineer)

    with pytest.raises(Conflict, match="has a policy already"):
        actions.adopt_base(project=project, base=base, user=engineer)


def test_without_prompts_no_policy_is_left_behind(project, engineer, tmp_path):
    base = make_version(None, tmp_path / "base", kind="base")

    with pytest.raises(DomainError, match="no prompts"):
        actions.adopt_base(project=project, base=base, user=engineer)

    assert not ModelVersion.objects.filter(project=project).exists()
