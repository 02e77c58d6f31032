import json

import pytest
import torch

from tests.training.engine.conftest import attempt
from tests.training.engine.snapshots import prompts
from training.engine.algorithms.batching import TokenSequence, collate
from training.engine.algorithms.logprobs import token_logprobs
from training.engine.modeling import Policy, load_language_model
from training.engine.passes import completion_logprobs
from training.engine.sampling import SamplingRequest, SamplingSettings, draw, sample_completions, uniforms
from training.engine.tokenization import decode_completion, encode_prompt, render_prompt


@pytest.fixture(scope="module")
def policy(tiny_model):
    return load_language_model(tiny_model)


@pytest.fixture
def requests(tokenizer):
    return [
        SamplingRequest(
            p.prompt_id, (*encode_prompt(tokenizer, p.messages), *range(40, 40 + 9 * i)), (0, 1, 2)
        )
        for i, p in enumerate(prompts(4, 0))
    ]


def settings(tokenizer, **changes):
    values = {"stream": "0", "max_new_tokens": 40, "temperature": 0.8, "rows_in_flight": 5}
    return SamplingSettings(**{**values, "eos_id": tokenizer.eos_token_id, **changes})


def by_key(completions):
    return {(c.key, c.index): c for c in completions}


def test_every_completion_comes_once_and_ends_where_it_should(policy, tokenizer, requests):
    completions = list(sample_completions(policy, requests, settings(tokenizer)))

    assert len(completions) == 12
    assert len(by_key(completions)) == 12
    reasons = {c.finish_reason for c in completions}
    assert reasons == {"stop", "length"}
    for c in completions:
        ends = [i for i, token in enumerate(c.token_ids) if token == tokenizer.eos_token_id]
        assert ends == ([len(c.token_ids) - 1] if c.finish_reason == "stop" else [])
        assert c.finish_reason == "stop" or len(c.token_ids) == 40
        assert len(c.logprobs) == len(c.token_ids)


@pytest.mark.parametrize("rows_in_flight", [1, 3, 64])
def test_a_completion_does_not_depend_on_its_company(policy, tokenizer, requests, rows_in_flight):
    usual = by_key(sample_completions(policy, requests, settings(tokenizer)))

    other = by_key(
        sample_completions(policy, requests[::-1], settings(tokenizer, rows_in_flight=rows_in_flight))
    )

    assert {k: c.token_ids for k, c in usual.items()} == {k: c.token_ids for k, c in other.items()}


def test_logprobs_of_decoding_equal_those_of_the_training_pass(policy, tokenizer, requests):
    prompt_ids = {request.key: request.prompt_ids for request in requests}

    for c in sample_completions(policy, requests, settings(tokenizer)):
        batch = collate([TokenSequence(prompt_ids[c.key], c.token_ids)], pad_id=0)
        trained = completion_logprobs(Policy(policy), batch, temperature=0.8)[0]
        torch.testing.assert_close(torch.tensor(c.logprobs), trained, atol=1e-4, rtol=1e-4)


def test_another_seed_gives_other_completions(policy, tokenizer, requests):
    one = by_key(sample_completions(policy, requests, settings(tokenizer)))
    other = by_key(sample_completions(policy, requests, settings(tokenizer, stream="1")))

    assert all(one[key].token_ids != other[key].token_ids for key in one)


def test_draws_follow_the_distribution():
    logits = torch.tensor([1.0, 0.0, float("-inf"), 2.0])
    chances = torch.cat([uniforms("s", "p", index, 40) for index in range(500)])

    drawn, logprobs = draw(logits.expand(20_000, 4), chances, temperature=0.5)

    expected = torch.softmax(logits / 0.5, -1)
    shares = torch.bincount(drawn, minlength=4) / 20_000
    torch.testing.assert_close(shares, expected, atol=0.01, rtol=0)
    torch.testing.assert_close(logprobs, expected[drawn].log())


def test_a_draw_is_where_the_cumulative_distribution_passes_the_number():
    """Over a vocabulary of several blocks, by the definition."""
    logits = torch.randn(64, 1000, generator=torch.Generator().manual_seed(3)) * 4
    logits[:, 300:700] = float("-inf")
    chances = uniforms("s", "p", 0, 64)

    drawn, logprobs = draw(logits, chances, temperature=1.3)

    exact = torch.softmax(logits.double() / 1.3, -1)
    cumulative = exact.cumsum(-1)
    expected = torch.tensor(
        [int((cumulative[row] > chances[row]).nonzero()[0]) for row in range(len(logits))]
    )
    assert drawn.tolist() == expected.tolist()
    torch.testing.assert_close(logprobs, token_logprobs(logits, drawn, temperature=1.3))


@pytest.mark.parametrize(("number", "token"), [(0.0, 1), (1.0 - 2**-53, 4), (1.0, 4)])
def test_rounding_leads_to_no_impossible_token(number, token):
    logits = torch.full((1, 600), float("-inf"))
    logits[0, 1], logits[0, 4] = 2.0, 1.0

    drawn, _ = draw(logits, torch.tensor([number], dtype=torch.float64), temperature=1.0)

    assert drawn.tolist() == [token]


def test_a_random_number_depends_on_prompt_completion_and_position_alone():
    assert uniforms("0", "p", 1, 10)[:7].tolist() == uniforms("0", "p", 1, 7).tolist()
    different = [
        uniforms(*name, 1).item() for name in (("0", "p", 1), ("1", "p", 1), ("0", "q", 1), ("0", "p", 2))
    ]
    assert len(set(different)) == 4
    many = uniforms("0", "p", 0, 100_000)
    assert 0 <= many.min() < 1e-3 and 1 - 1e-3 < many.max() < 1
    assert many.mean().item() == pytest.approx(0.5, abs=0.005)


def test_the_first_prompt_is_complete_before_the_last_one_starts(new_run, tiny_model):
    run = new_run(
        kind="sample", policy=str(tiny_model), completions_per_prompt=4, rows_in_flight=4, max_new_tokens=12
    )

    attempt(run)

    rows = [json.loads(line) for line in (run / "completions.jsonl").read_text().splitlines()]
    assert len(rows) == 48
    assert {row["prompt_id"] for row in rows[:4]} <= {"p0", "p1"}
    result = json.loads((run / "result.json").read_text())
    assert result["kind"] == "sample"
    assert result["model"] is None
    assert result["metrics"]["completions"] == 48
    for row in rows:
        assert set(row) == {"prompt_id", "index", "text", "finish_reason", "token_count", "logprob", "seed"}
        assert row["logprob"] < 0
        assert "<|end|>" not in row["text"]
        assert "\0" not in row["text"]


def test_an_interrupted_run_makes_only_what_is_missing_and_the_same(new_run, tiny_model):
    config = {"kind": "sample", "policy": str(tiny_model), "completions_per_prompt": 3, "max_new_tokens": 12}
    whole, torn = new_run("whole", **config), new_run("torn", **config)
    attempt(whole)
    lines = (whole / "completions.jsonl").read_text().splitlines(keepends=True)
    (torn / "completions.jsonl").write_text("".join(lines[5:12]) + lines[12][:20])

    attempt(torn)

    after = (torn / "completions.jsonl").read_text().splitlines(keepends=True)
    assert after[:7] == lines[5:12]

    def contents(written):
        rows = [json.loads(line) for line in written]
        return sorted((r["prompt_id"], r["index"], r["text"]) for r in rows)

    assert contents(after) == contents(lines)


def test_prompts_that_are_too_long_are_left_out_and_counted(new_run, tiny_model):
    run = new_run(kind="sample", policy=str(tiny_model), max_prompt_tokens=24, max_new_tokens=4)

    attempt(run)

    # "Say 10" and "Say 11" are 25 bytes and special tokens, the others 24
    result = json.loads((run / "result.json").read_text())
    assert result["metrics"]["left_out"] == 2
    assert result["metrics"]["completions"] == 40


def test_the_prompt_ends_where_the_assistant_begins_and_names_nobody(tokenizer):
    assert (
        render_prompt(tokenizer, prompts()[0].messages) == "<|start|>user\nSay 0<|end|>\n<|start|>assistant\n"
    )


def test_special_tokens_and_nul_are_not_part_of_the_text(tokenizer):
    ids = [
        *tokenizer("a\0b", add_special_tokens=False)["input_ids"],
        tokenizer.eos_token_id,
        tokenizer.pad_token_id,
    ]

    assert decode_completion(tokenizer, ids) == "a\N{REPLACEMENT CHARACTER}b"
