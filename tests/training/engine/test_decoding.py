"""Decoding many rows over shared prompts gives what the model itself computes, whatever the layout."""

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma2Config,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    PretrainedConfig,
    Qwen2Config,
)

from training.engine.decoding import DecodingBatch, check_decoding, prefill
from training.engine.errors import DataError
from training.engine.sampling import SamplingRequest, SamplingSettings, sample_completions

SIZES = {"vocab_size": 61, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
LLAMA = LlamaConfig(**SIZES, intermediate_size=48, num_key_value_heads=2)
DECODED = {
    "llama": LLAMA,
    "llama, a key head for each head": LlamaConfig(**SIZES, intermediate_size=48, num_key_value_heads=4),
    "qwen2": Qwen2Config(**SIZES, intermediate_size=48, num_key_value_heads=1),
    "gpt_neox": GPTNeoXConfig(**SIZES, intermediate_size=48, rotary_pct=0.5),
    "gpt2": GPT2Config(vocab_size=61, n_embd=32, n_layer=2, n_head=4),
    "mistral": MistralConfig(**SIZES, intermediate_size=48, num_key_value_heads=2, sliding_window=40),
}


def model_of(config: PretrainedConfig, dtype: torch.dtype = torch.float32):
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # as far from uniform as a trained model's
            parameter.mul_(3.0 if parameter.dim() > 1 else 1.0)
    return model


def prompt(number: int, length: int) -> tuple[int, ...]:
    return tuple((7 * number + 3 * place * place) % 59 + 2 for place in range(length))


class Checked:
    """A DecodingBatch and, for each of its rows, the whole text it stands for."""

    def __init__(self, model, capacity: int) -> None:
        self.model, self.batch, self.texts = model, DecodingBatch(model, capacity=capacity), []

    def add(self, *prompts: tuple[int, ...]) -> None:
        for prefilled in prefill(self.model, list(prompts)):
            self.batch.add(prefilled)
            self.texts.append(list(prefilled.prompt_ids))

    def remove(self, row: int) -> None:
        self.batch.remove(row)
        self.texts[row] = self.texts[-1]
        self.texts.pop()

    def advance(self) -> None:
        tokens = [(11 * row + len(text)) % 61 for row, text in enumerate(self.texts)]
        self.batch.advance(torch.tensor(tokens))
        for text, token in zip(self.texts, tokens, strict=True):
            text.append(token)

    def check(self, **tolerance) -> None:
        for row, text in enumerate(self.texts):
            expected = self.model(input_ids=torch.tensor([text]), use_cache=False).logits[0, -1]
            torch.testing.assert_close(self.batch.logits[row], expected, **tolerance)


@torch.no_grad()
@pytest.mark.parametrize("kind", DECODED)
def test_rows_come_and_go_and_each_gets_the_logits_of_its_whole_text(kind):
    model = model_of(DECODED[kind])
    check_decoding(model, longest=40)
    rows = Checked(model, capacity=6)
    usual = model.config._attn_implementation

    rows.add(prompt(1, 20), prompt(2, 5), prompt(1, 20), prompt(1, 20))
    for step in range(9):
        rows.check(atol=1e-5, rtol=1e-4)
        match step:
            case 2:  # the only row of a prompt, and one of three
                rows.remove(1)
                rows.remove(0)
            case 3:  # a prompt that is there, and a longer one
                rows.add(prompt(1, 20), prompt(3, 25))
            case 5:  # all rows of the first prompt
                for row in range(rows.batch.count - 1, -1, -1):
                    if rows.texts[row][:20] == list(prompt(1, 20)):
                        rows.remove(row)
            case 6:
                rows.add(prompt(4, 1), prompt(4, 1), prompt(2, 5))
        rows.advance()
    rows.check(atol=1e-5, rtol=1e-4)
    assert rows.batch.count == 4
    assert model.config._attn_implementation == usual


@torch.no_grad()
def test_more_tokens_than_there_was_room_for():
    rows = Checked(model_of(LLAMA), capacity=2)
    rows.add(prompt(1, 3), prompt(2, 100))

    for _ in range(70):
        rows.advance()

    rows.check(atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_in_bfloat16_it_rounds_as_the_model_does():
    exact = model_of(LLAMA)
    rows = Checked(model_of(LLAMA, torch.bfloat16), capacity=4)
    rows.add(prompt(1, 20), prompt(1, 20), prompt(2, 9))
    for _ in range(8):
        rows.advance()

    expected = torch.stack([exact(input_ids=torch.tensor([text])).logits[0, -1] for text in rows.texts])
    whole = torch.stack(
        [rows.model(input_ids=torch.tensor([text])).logits[0, -1].float() for text in rows.texts]
    )
    own_error = (rows.batch.logits[:3].float() - expected).norm() / expected.norm()
    usual_error = (whole - expected).norm() / expected.norm()
    assert own_error < 2 * usual_error < 0.2


REFUSED = {
    "a bias by distance": BloomConfig(vocab_size=61, hidden_size=32, n_layer=2, n_head=4),
    "a cap on scores": Gemma2Config(
        **SIZES,
        intermediate_size=48,
        num_key_value_heads=2,
        head_dim=8,
        attn_logit_softcapping=0.5,
        layer_types=["full_attention", "full_attention"],
        sliding_window=64,
    ),
}


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", REFUSED)
def test_attention_of_another_kind_is_refused(kind, dtype):
    with pytest.raises(DataError, match=r"policy: models of type \w+ cannot be decoded by the engine"):
        check_decoding(model_of(REFUSED[kind], dtype), longest=10)


@torch.no_grad()
def test_rounding_in_a_deep_model_is_no_other_kind_of_attention():
    deep = LlamaConfig(**SIZES | {"num_hidden_layers": 30}, intermediate_size=48, num_key_value_heads=2)
    model = model_of(deep, torch.bfloat16)

    check_decoding(model, longest=10)

    batch = DecodingBatch(model, capacity=1)
    batch.add(prefill(model, [(5, 6, 7, 8)])[0])
    expected = model(input_ids=torch.tensor([[5, 6, 7, 8]])).logits[0, -1].float()
    assert 0 < (batch.logits[0].float() - expected).norm() < 0.15 * expected.norm()


@torch.no_grad()
def test_texts_longer_than_a_sliding_window_are_refused():
    model = model_of(DECODED["mistral"])

    with pytest.raises(DataError, match=r"mistral attends to the last 40 tokens only.* up to 41; lower"):
        check_decoding(model, longest=41)


# Layouts


def completions(model, requests, rows_in_flight):
    settings = SamplingSettings(
        stream="0", max_new_tokens=24, temperature=1.0, rows_in_flight=rows_in_flight, eos_id=1
    )
    return {(c.key, c.index): c for c in sample_completions(model, requests, settings)}


def requests_of(count: int):
    return [
        SamplingRequest(f"p{number}", prompt(number, 3 + 5 * number), tuple(range(count)))
        for number in range(8)
    ]


@pytest.fixture(scope="module")
def drawn():
    model = model_of(LLAMA)
    return model, completions(model, requests_of(13), rows_in_flight=16)


def test_an_equal_layout_gives_equal_completions_bit_for_bit(drawn):
    model, usual = drawn

    assert completions(model, requests_of(13), rows_in_flight=16) == usual


@pytest.mark.parametrize("layout", ["other rows in flight", "other order of prompts", "fewer of each"])
def test_other_layouts_change_at_most_one_completion_of_a_hundred(drawn, layout):
    model, usual = drawn

    match layout:
        case "other rows in flight":
            other = completions(model, requests_of(13), rows_in_flight=5)
        case "other order of prompts":
            other = completions(model, requests_of(13)[::-1], rows_in_flight=16)
        case _:
            other = completions(model, requests_of(7), rows_in_flight=16)

    same = [other[name].token_ids == usual[name].token_ids for name in other]
    assert len(same) == (56 if layout.startswith("fewer") else 104)
    assert sum(same) >= 0.99 * len(same)
    assert len({completion.token_ids for completion in other.values()}) > 0.9 * len(other)
