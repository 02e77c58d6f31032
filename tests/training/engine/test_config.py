import json

import pytest

from training.engine.config import CONFIG_TYPES, PpoConfig, fields_of, load_config, parse_config
from training.engine.config_fields import allowed_values
from training.engine.errors import ConfigError


def test_a_config_gets_its_defaults_and_keeps_what_is_given():
    config = parse_config(
        {"kind": "ppo", "policy": "a", "reward_model": "b", "kl_coef": 0, "trainable_layers": None}
    )

    assert isinstance(config, PpoConfig)
    assert (config.kl_coef, config.trainable_layers, config.minibatches) == (0.0, None, 8)
    assert type(config.kl_coef) is float


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"kind": "dpo"}, ["kind", "'dpo'", ", ".join(CONFIG_TYPES)]),
        ({"temprature": 1.0}, ["temprature", "unknown field", "temperature"]),
        ({"temperature": "hot"}, ["temperature", "'hot'", "a number from 0.01 to 10"]),
        ({"temperature": 0}, ["temperature", "0.0", "from 0.01 to 10"]),
        ({"temperature": float("nan")}, ["temperature", "nan"]),
        ({"max_new_tokens": 1.5}, ["max_new_tokens", "1.5", "a whole number"]),
        ({"max_new_tokens": True}, ["max_new_tokens", "True", "a whole number"]),
        ({"dtype": "float16"}, ["dtype", "'float16'", "auto, float32, bfloat16"]),
        ({"policy": ""}, ["policy", "''", "text"]),
        ({"seed": None}, ["seed", "None", "a whole number"]),
    ],
)
def test_a_refusal_names_the_field_the_value_and_what_is_allowed(change, named):
    with pytest.raises(ConfigError) as refusal:
        parse_config({"kind": "sample", "policy": "a", **change})

    for part in named:
        assert part in str(refusal.value)


def values_not_allowed(field):
    """Values that a field does not take: of every other type, outside its range, none of its choices."""
    others = {"int": ["5", 1.5, True], "float": ["5", True, float("inf")], "bool": [1, "yes"], "str": [7, ""]}
    yield from others[field.type]
    yield from ([], {})
    if not field.is_optional:
        yield None
    if field.choices:
        yield "something else"
    if field.minimum is not None:
        yield field.minimum - 1
    if field.maximum is not None:
        yield int(field.maximum) + 1


@pytest.mark.parametrize("kind", CONFIG_TYPES)
def test_every_field_refuses_what_it_does_not_take_and_says_what_it_does(kind):
    fields = fields_of(kind)
    required = {field.name: "somewhere" for field in fields if field.is_required}

    for field in fields:
        for value in values_not_allowed(field):
            with pytest.raises(ConfigError) as refusal:
                parse_config({"kind": kind, **required, field.name: value})

            read = float(value) if field.type == "float" and type(value) is int else value
            allowed = allowed_values(field)
            assert str(refusal.value) == f"{field.name}: {read!r} is not allowed; allowed is {allowed}"


@pytest.mark.parametrize("name", ["top_p", "top_k", "min_new_tokens", "repetition_penalty"])
def test_ppo_says_why_it_refuses_what_would_break_the_importance_ratio(name):
    with pytest.raises(ConfigError, match=rf"^{name}: .* softmax\(logits / temperature\) .* importance"):
        parse_config({"kind": "ppo", "policy": "a", "reward_model": "b", name: 1})


def test_a_required_field_that_is_missing_is_named():
    with pytest.raises(ConfigError, match="reward_model: missing"):
        parse_config({"kind": "ppo", "policy": "a"})


@pytest.mark.parametrize("content", ["{", "[]", None])
def test_a_config_file_that_is_broken_or_missing_is_refused(tmp_path, content):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigError):
        load_config(path)


@pytest.mark.parametrize("kind", CONFIG_TYPES)
def test_every_field_documents_itself_and_its_default_is_allowed(kind):
    described = fields_of(kind)
    values = {entry.name: entry.default for entry in described if not entry.is_required}
    values |= {entry.name: "somewhere" for entry in described if entry.is_required}

    assert all(entry.help.endswith(".") for entry in described)
    assert all(entry.minimum is not None for entry in described if entry.type in ("int", "float"))
    parse_config({"kind": kind, **json.loads(json.dumps(values))})
