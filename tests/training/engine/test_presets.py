"""Every preset is a config the engine takes, and says where each of its values comes from."""

import pytest

from training.engine.config import CONFIG_TYPES, fields_of, parse_config
from training.engine.config_presets import PRESETS

DIRECTORIES = {"policy": "p", "reward_model": "r"}


def config(kind, name):
    required = {field.name: DIRECTORIES[field.name] for field in fields_of(kind) if field.is_required}
    return parse_config({"kind": kind, **required, **PRESETS[name].config(kind)})


@pytest.mark.parametrize("kind", CONFIG_TYPES)
@pytest.mark.parametrize("name", PRESETS)
def test_the_engine_takes_it(kind, name):
    taken = config(kind, name)

    for field, value in PRESETS[name].config(kind).items():
        assert getattr(taken, field) == value


@pytest.mark.parametrize("name", PRESETS)
def test_every_value_names_its_source(name):
    for values in PRESETS[name].values.values():
        for entry in values.values():
            assert entry.source.strip()


def test_the_presets_are_three_and_the_first_is_the_engines_own_defaults():
    assert list(PRESETS) == ["starter", "instructgpt", "tiny"]
    assert PRESETS["starter"].values == {}


@pytest.mark.parametrize("name", ["instructgpt", "tiny"])
def test_a_preset_says_something_of_every_kind_and_nothing_of_others(name):
    assert set(PRESETS[name].values) == set(CONFIG_TYPES)


def test_instructgpt_is_what_the_paper_prints():
    ppo, reward_model, sft = (config(kind, "instructgpt") for kind in ("ppo", "reward_model", "sft"))

    assert ppo.steps * ppo.episodes_per_step == 256_000
    assert ppo.episodes_per_step // ppo.minibatches == 64
    assert (ppo.kl_coef, ppo.clip_range, ppo.inner_epochs, ppo.value_learning_rate) == (0.02, 0.2, 1, 9e-6)
    assert (ppo.ema_decay, ppo.ptx_coef, ppo.ptx_ratio) == (0.992, 27.8, 8)
    assert (ppo.warmup_steps, ppo.warmup_start, ppo.kl_target) == (10, 0.1, None)
    assert (reward_model.batch_size, reward_model.learning_rate, reward_model.epochs) == (64, 9e-6, 1)
    assert (sft.epochs, sft.batch_size, sft.learning_rate) == (16, 32, 9.65e-6)
