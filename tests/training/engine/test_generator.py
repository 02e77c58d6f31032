"""Sampling by an OpenAI-compatible server: a real one on the loopback, with the tiny model behind it."""

import json
import socket

import pytest

from tests.training.engine.conftest import attempt
from tests.training.engine.openai_server import KEY, MODEL, OpenAIServer
from tests.training.engine.snapshots import prompts
from training.engine import generator
from training.engine.config import parse_config
from training.engine.errors import ConfigError, DataError, StopRequested
from training.engine.records import write_records
from training.engine.stopping import StopFlag

PROMPTS = prompts(4, 0)


@pytest.fixture
def server(tiny_model, monkeypatch):
    monkeypatch.setattr(generator, "FIRST_PAUSE", 0.01)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("GENERATOR_API_KEY", raising=False)
    server = OpenAIServer(tiny_model)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def sample_run(new_run, tiny_model, server):
    def make(name="run", **config):
        usual = {"completions_per_prompt": 3, "max_new_tokens": 12, "rows_in_flight": 6, "temperature": 1.0}
        where = {"generator_url": server.url, "generator_model": MODEL}
        run = new_run(name, **{"kind": "sample", "policy": str(tiny_model), **usual, **where, **config})
        write_records(run / "snapshot" / "prompts.parquet", PROMPTS)
        return run

    return make


def rows_of(run):
    return [json.loads(line) for line in (run / "completions.jsonl").read_text().splitlines()]


def test_every_prompt_gets_its_completions_from_the_server(sample_run, server, tokenizer):
    run = sample_run()

    attempt(run)

    rows = rows_of(run)
    assert sorted((r["prompt_id"], r["index"]) for r in rows) == sorted(
        (p.prompt_id, index) for p in PROMPTS for index in range(3)
    )
    assert {row["finish_reason"] for row in rows} == {"stop", "length"}
    for row in rows:
        assert set(row) == {"prompt_id", "index", "text", "finish_reason", "token_count", "logprob", "seed"}
        assert (row["token_count"] == 12) >= (row["finish_reason"] == "length")
        assert row["logprob"] < 0
    assert len(server.requests) == 4
    body = next(r for r in server.requests if r["messages"] == [{"role": "user", "content": "Say 3"}])
    assert {name: body[name] for name in ("model", "n", "max_tokens", "temperature", "top_p")} == {
        "model": MODEL, "n": 3, "max_tokens": 12, "temperature": 1.0, "top_p": 1.0,
    }  # fmt: skip
    assert len({r["seed"] for r in server.requests}) == 4
    metrics = json.loads((run / "result.json").read_text())["metrics"]
    assert metrics["completions"] == 12
    assert metrics["tokens"] == sum(row["token_count"] for row in rows)


def test_the_same_seed_asks_for_the_same(sample_run):
    one, other, another = sample_run("one"), sample_run("other"), sample_run("another", seed=1)
    for run in (one, other, another):
        attempt(run)

    texts = [{(r["prompt_id"], r["index"]): r["text"] for r in rows_of(run)} for run in (one, other, another)]
    assert texts[0] == texts[1]
    assert sum(texts[0][key] != texts[2][key] for key in texts[0]) > 9


def test_a_server_that_knows_no_n_and_tells_no_logprobs_will_do(sample_run, server):
    server.most, server.tells_logprobs = 1, False
    run = sample_run()

    attempt(run)

    rows = rows_of(run)
    assert len(rows) == 12
    assert len(server.requests) == 12
    assert {row["logprob"] for row in rows} == {None}
    assert all(1 <= row["token_count"] <= 12 for row in rows)
    assert len({r["text"] for r in rows if r["prompt_id"] == "p0"}) == 3


def test_logprobs_before_the_temperature_are_not_taken_for_those_after_it(sample_run):
    run = sample_run(temperature=0.7)

    attempt(run)

    assert {row["logprob"] for row in rows_of(run)} == {None}


def test_rows_already_written_are_not_asked_for_again(sample_run, server):
    run = sample_run()
    attempt(run)
    lines = (run / "completions.jsonl").read_text().splitlines(keepends=True)
    (run / "completions.jsonl").write_text("".join(lines[:7]) + lines[7][:15])
    server.requests.clear()

    attempt(run)

    assert (run / "completions.jsonl").read_text().splitlines(keepends=True)[:7] == lines[:7]
    assert len({(row["prompt_id"], row["index"]) for row in rows_of(run)}) == 12
    assert sum(request["n"] for request in server.requests) == 12 - 7
    assert len(server.requests) == 2


@pytest.mark.parametrize("trouble", [[429], [500, 503], ["hang up"], [502, "hang up", 408]])
def test_what_may_pass_is_tried_again(sample_run, server, trouble):
    server.trouble.extend(trouble)
    run = sample_run()

    attempt(run)

    assert len(rows_of(run)) == 12
    assert len(server.requests) == 4 + len(trouble)


def test_a_server_that_stays_unwell_ends_the_run_with_what_it_said(sample_run, server):
    server.trouble.extend([503] * 100)

    with pytest.raises(DataError, match=r"answered 503: .*not now.*\(6 tries\)\. Start the server"):
        attempt(sample_run())


def test_a_server_that_is_not_there_is_named(sample_run):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    run = sample_run(generator_url=url)

    with pytest.raises(DataError, match=f"generator_url: {url} cannot be asked: .*refused.*Start the server"):
        attempt(run)


def test_the_key_goes_to_the_address_it_is_for_and_to_no_other(sample_run, server, monkeypatch):
    server.wants_key = True
    refusal = rf'refuses the API key \(401\)\. Set GENERATOR_API_KEY .* to "{server.url} KEY"'
    with pytest.raises(DataError, match=refusal):
        attempt(sample_run("without"))
    monkeypatch.setenv("GENERATOR_API_KEY", f"https://elsewhere.example/v1 {KEY}")
    with pytest.raises(DataError, match=refusal):
        attempt(sample_run("elsewhere"))
    assert set(server.keys) == {None}

    monkeypatch.setenv("GENERATOR_API_KEY", f"{server.url}/ {KEY}")
    right = sample_run("right", generator_url=server.url + "/")
    attempt(right)

    assert len(rows_of(right)) == 12


def test_a_redirect_is_not_followed(sample_run, server):
    server.trouble.extend([307] * 100)

    with pytest.raises(DataError, match=r"refuses the request \(307\)"):
        attempt(sample_run())


def test_a_model_that_the_server_lacks_is_named_with_those_it_has(sample_run):
    with pytest.raises(DataError, match=r"generator_model: .* no model 'gpt', .*Models there: tiny, other"):
        attempt(sample_run(generator_model="gpt"))


def test_an_answer_in_another_format_is_refused(sample_run, server):
    server.trouble.extend([200] * 100)

    with pytest.raises(DataError, match="does not answer in OpenAI's format"):
        attempt(sample_run())


def test_a_stop_ends_the_run_while_the_server_works(sample_run):
    stop = StopFlag()
    stop.is_raised = True

    with pytest.raises(StopRequested):
        attempt(sample_run(), stop=stop)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            {"generator_url": "file:///etc/passwd", "generator_model": "m"},
            "generator_url: 'file:///etc/passwd'",
        ),
        ({"generator_url": "http://a/v1?b", "generator_model": "m"}, "generator_url: 'http://a/v1"),
        ({"generator_url": "http://a/v1"}, "generator_model: missing"),
    ],
)
def test_a_config_that_leads_to_no_server_is_refused(change, named):
    with pytest.raises(ConfigError, match=named):
        parse_config({"kind": "sample", "policy": "a", **change})


def test_ppo_takes_no_completions_from_a_server():
    config = {"kind": "ppo", "policy": "a", "reward_model": "b", "generator_url": "http://127.0.0.1:8000/v1"}

    with pytest.raises(ConfigError, match=r"generator_url: not a setting of a ppo run.* other probabilities"):
        parse_config(config)
