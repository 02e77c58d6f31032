"""A prompt that goes through the model once gives what one pass per completion gives."""

import pytest
import torch
from transformers import AutoModel, GPT2Config, LlamaConfig, MambaConfig, MistralConfig, Qwen2Config

from training.engine import shared_prefix
from training.engine.recomputation import recompute_layers
from training.engine.shared_prefix import Group, enable, pack

GROUPS = [
    Group((7, 8, 9, 10), ((11, 12, 13), (14,), (15, 16, 17, 18, 19))),
    Group((20, 21, 22, 23, 24, 25)),
    Group((30,), ((31, 32), (33, 34))),
]
SIZES = {"num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 48, "vocab_size": 64}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}


def model_of(config):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AutoModel.from_config(config).eval()


def llama():
    return model_of(LlamaConfig(**SIZES, **HEADS))


def rows_of(groups):
    """One row of tokens per completion, its prompt before it."""
    return [group.prefix_ids + completion for group in groups for completion in group.completions or ((),)]


def states(model, input_ids, **packing):
    return model(input_ids=input_ids, use_cache=False, **packing).last_hidden_state[0]


def packed_states(model, groups=GROUPS):
    batch = pack(groups)
    return states(model, batch.input_ids, **batch.arguments())


def states_one_by_one(model):
    """The states in the order of the packed row: a prompt's once, then those of its completions."""
    alone = iter([states(model, torch.tensor([row])) for row in rows_of(GROUPS)])
    parts = []
    for group in GROUPS:
        own = [next(alone) for _ in group.completions or ((),)]
        parts += [own[0][: len(group.prefix_ids)], *(s[len(group.prefix_ids) :] for s in own)]
    return torch.cat(parts)


def gradients(model):
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_close(found, expected, *, relative=1e-5):
    assert (found - expected).norm() <= relative * expected.norm()


def test_a_row_holds_each_prompt_once_and_positions_go_on_after_it():
    batch = pack(GROUPS)

    assert batch.input_ids.tolist() == [
        [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30, 31, 32, 33, 34]
    ]
    assert batch.position_ids.tolist() == [
        [0, 1, 2, 3, 4, 5, 6, 4, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 1, 2, 1, 2]
    ]
    assert batch.ends.tolist() == [6, 7, 12, 21, 23]
    assert [len(group) for group in GROUPS] == [13, 6, 5]


@pytest.mark.parametrize("most_plain_scores", [0, 2**23], ids=["fused kernel", "plain products"])
def test_states_and_gradients_are_those_of_one_pass_per_completion(monkeypatch, most_plain_scores):
    monkeypatch.setattr(shared_prefix, "MOST_PLAIN_SCORES", most_plain_scores)
    ours, theirs = llama(), llama()
    weights = torch.randn(24, 32, generator=torch.Generator().manual_seed(1))

    assert enable(ours)
    found, expected = packed_states(ours), states_one_by_one(theirs)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()

    assert_close(found, expected)
    one_by_one = gradients(theirs)
    assert gradients(ours).keys() == one_by_one.keys()
    for name, gradient in gradients(ours).items():
        assert_close(gradient, one_by_one[name])


def test_a_group_does_not_depend_on_its_company():
    model = llama()
    enable(model)

    alone = torch.cat([packed_states(model, [group]) for group in GROUPS])

    assert_close(packed_states(model), alone, relative=1e-6)


def test_recomputed_layers_give_the_same_gradients():
    kept, recomputed = llama(), llama()
    for model in (kept, recomputed):
        enable(model)
    recompute_layers(recomputed)

    for model in (kept, recomputed):
        packed_states(model).square().sum().backward()

    for name, gradient in gradients(kept).items():
        assert torch.equal(gradients(recomputed)[name], gradient)


def test_bfloat16_products_change_the_states_by_little():
    model = llama()
    enable(model)

    with torch.autocast("cpu", torch.bfloat16):
        half = packed_states(model)

    assert_close(half.float(), packed_states(model), relative=0.02)
    assert not torch.equal(half.float(), packed_states(model))


def test_an_enabled_model_still_takes_padded_rows_with_a_mask():
    plain, enabled = llama(), llama()
    enable(enabled)
    ids = torch.tensor([[1, 2, 3, 4, 5], [0, 0, 6, 7, 8]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])

    found = enabled(input_ids=ids, attention_mask=mask).last_hidden_state

    assert torch.equal(found, plain(input_ids=ids, attention_mask=mask).last_hidden_state)


@pytest.mark.parametrize(
    "config",
    [
        Qwen2Config(**SIZES, **HEADS),
        GPT2Config(n_layer=2, n_embd=32, n_head=4, vocab_size=64, n_positions=64),
        MistralConfig(**SIZES, **HEADS, sliding_window=None),
    ],
    ids=lambda config: config.model_type,
)
def test_other_decoders_share_prompts_too(config):
    model = model_of(config)
    expected = states_one_by_one(model)

    assert enable(model)
    assert_close(packed_states(model), expected)


@pytest.mark.parametrize(
    "config",
    [
        MistralConfig(**SIZES, **HEADS, sliding_window=4),
        MambaConfig(num_hidden_layers=2, hidden_size=32, vocab_size=64, state_size=4),
    ],
    ids=lambda config: config.model_type,
)
def test_a_model_that_does_more_than_attend_is_left_as_it_is(config):
    model = model_of(config)
    before = model.config._attn_implementation

    assert enable(model) is False
    assert model.config._attn_implementation == before
