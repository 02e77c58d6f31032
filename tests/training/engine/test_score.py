import json
import math
from dataclasses import replace

import pytest
import torch

from tests.training.engine.conftest import attempt
from tests.training.engine.snapshots import messages
from training.engine.algorithms.batching import TokenSequence, collate
from training.engine.errors import ConfigError, DataError, StopRequested
from training.engine.events import read_events
from training.engine.judges import groups_of
from training.engine.modeling import load_reward_model, new_reward_model, save_reward_model
from training.engine.passes import final_scores
from training.engine.recipes import score
from training.engine.records import Completion, write_records
from training.engine.shared_prefix import Group
from training.engine.stopping import StopFlag
from training.engine.tokenization import encode

TEXTS = ("a", "ab", "abc", "b", "bb", "a much longer answer")


@pytest.fixture
def completions():
    """Five prompts: 6, 6, 6, 6 and 1 completions."""
    return [
        Completion(f"c{prompt}.{number}", f"p{prompt}", messages(prompt), text + str(prompt))
        for prompt in range(5)
        for number, text in enumerate(TEXTS if prompt < 4 else TEXTS[:1])
    ]


@pytest.fixture
def score_run(new_run, tiny_reward_model, completions):
    def make(name="run", rows=completions, **config):
        run = new_run(name, **{"kind": "score", "reward_model": str(tiny_reward_model), **config})
        write_records(run / "snapshot" / "completions.parquet", rows, Completion)
        return run

    return make


@pytest.fixture(scope="module")
def second_reward_model(tiny_model, tokenizer, tmp_path_factory):
    directory = tmp_path_factory.mktemp("models") / "second"
    save_reward_model(new_reward_model(tiny_model, layers=2, seed=9), tokenizer, directory)
    return directory


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def one_by_one(directory, tokenizer, completions):
    model = load_reward_model(directory)
    with torch.no_grad():
        return [
            float(final_scores(model, collate([encode(tokenizer, c.messages, c.completion)], pad_id=0))[0])
            for c in completions
        ]


def test_every_completion_gets_the_score_it_has_alone(score_run, completions, tokenizer, tiny_reward_model):
    run = score_run()

    attempt(run)

    rows = lines(run / "scores.jsonl")
    assert [row["completion_id"] for row in rows] == [c.completion_id for c in completions]
    expected = one_by_one(tiny_reward_model, tokenizer, completions)
    assert [row["score"] for row in rows] == pytest.approx(expected, abs=1e-5)
    assert {row["spread"] for row in rows} == {None}


def test_neighbours_share_their_prompt_up_to_a_number_of_tokens():
    texts = [((1, 2), (3,)), ((1, 2), (4, 5)), ((1, 2), (6, 7, 8)), ((9,), (3,)), ((1, 2), (3,))]
    sequences = [TokenSequence(prompt, completion) for prompt, completion in texts]

    groups = groups_of(sequences, most_tokens=6)

    assert groups == [
        Group((1, 2), ((3,), (4, 5))),
        Group((1, 2), ((6, 7, 8),)),
        Group((9,), ((3,),)),
        Group((1, 2), ((3,),)),
    ]


def test_an_ensemble_gives_the_mean_and_the_deviation(
    score_run, completions, tokenizer, tiny_reward_model, second_reward_model
):
    run = score_run(reward_model=f"{tiny_reward_model}, {second_reward_model}")

    attempt(run)

    one, other = (one_by_one(d, tokenizer, completions) for d in (tiny_reward_model, second_reward_model))
    rows = lines(run / "scores.jsonl")
    assert [r["score"] for r in rows] == pytest.approx(
        [(a + b) / 2 for a, b in zip(one, other, strict=True)], abs=1e-5
    )
    spreads = [abs(a - b) / math.sqrt(2) for a, b in zip(one, other, strict=True)]
    assert [r["spread"] for r in rows] == pytest.approx(spreads, abs=1e-5)
    metrics = json.loads((run / "result.json").read_text())["metrics"]
    assert metrics["spread_mean"] == pytest.approx(sum(spreads) / len(spreads), abs=1e-5)


def test_the_best_of_each_prompt_and_of_n_are_told(score_run, completions):
    run = score_run()

    attempt(run)

    scores = {row["completion_id"]: row["score"] for row in lines(run / "scores.jsonl")}
    best = lines(run / "best.jsonl")
    assert [row["prompt_id"] for row in best] == ["p0", "p1", "p2", "p3", "p4"]
    for row in best:
        own = {c.completion_id for c in completions if c.prompt_id == row["prompt_id"]}
        assert row["score"] == scores[row["completion_id"]] == max(scores[key] for key in own)
    result = json.loads((run / "result.json").read_text())
    metrics = result["metrics"]
    assert (result["kind"], result["model"], metrics["completions"], metrics["too_long"]) == (
        "score", None, 25, 0,
    )  # fmt: skip
    by_prompt = [[scores[f"c{p}.{i}"] for i in range(6)] for p in range(4)]
    assert metrics["best_of_1_prompts"] == 5
    assert metrics["best_of_4_prompts"] == 4
    assert metrics["best_of_1_score"] == pytest.approx(
        (sum(sum(own) / 6 for own in by_prompt) + scores["c4.0"]) / 5
    )
    assert metrics["best_of_1_score"] < metrics["best_of_2_score"] < metrics["best_of_4_score"]
    assert metrics["best_of_4_kl_bound"] == pytest.approx(math.log(4) - 3 / 4)
    assert "best_of_8_score" not in metrics


def test_what_is_too_long_is_counted_and_not_cut(score_run, completions, tokenizer):
    longest = max(len(encode(tokenizer, c.messages, c.completion)) for c in completions)
    run = score_run(max_tokens=longest - 1)

    attempt(run)

    assert {f"c{p}.{i}" for p in range(4) for i in range(5)} | {"c4.0"} == {
        row["completion_id"] for row in lines(run / "scores.jsonl")
    }
    assert json.loads((run / "result.json").read_text())["metrics"]["too_long"] == 4
    (warning,) = [event for event in read_events(run / "events.jsonl") if event.get("level") == "warning"]
    assert warning["text"].startswith("4 completions are longer than max_tokens")


def test_an_interrupted_run_scores_what_is_missing_bit_for_bit(score_run, monkeypatch):
    monkeypatch.setattr(score, "COMPLETIONS_AT_ONCE", 7)
    whole, torn, stopped = score_run("whole"), score_run("torn"), score_run("stopped")
    attempt(whole)
    expected = (whole / "scores.jsonl").read_bytes()
    written = expected.splitlines(keepends=True)
    (torn / "scores.jsonl").write_bytes(b"".join(written[:10]) + written[10][:20])

    attempt(torn)
    stop = StopFlag()
    stop.is_raised = True
    with pytest.raises(StopRequested):
        attempt(stopped, stop=stop)
    attempt(stopped)

    assert (torn / "scores.jsonl").read_bytes() == expected
    assert (stopped / "scores.jsonl").read_bytes() == expected
    assert (torn / "result.json").read_text() == (whole / "result.json").read_text()
    assert (torn / "best.jsonl").read_bytes() == (whole / "best.jsonl").read_bytes()


def test_the_same_id_twice_is_refused(score_run, completions):
    run = score_run(rows=[*completions, replace(completions[3], completion="other")])

    with pytest.raises(DataError, match=r"completion_id 'c0\.3' 2 times"):
        attempt(run)


def test_no_reward_model_is_refused(score_run):
    with pytest.raises(ConfigError, match="reward_model: ' , ' is not allowed"):
        attempt(score_run(reward_model=" , "))


def test_a_snapshot_without_completions_is_refused(score_run):
    with pytest.raises(DataError, match="no completions"):
        attempt(score_run(rows=[]))
