"""Supervised fine-tuning and pretraining: layouts that are equal, a mix of the right size, the model that is
chosen, and the end of a text, which has to be learned."""

import json
import math

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.training.engine import snapshots
from tests.training.engine.conftest import CONTEXT, attempt, context_of
from training.engine.config import PretrainConfig, SftConfig, parse_config
from training.engine.errors import ConfigError, DataError
from training.engine.events import read_events
from training.engine.examples import encoded_demonstrations
from training.engine.modeling import load_policy
from training.engine.optimization import Learner
from training.engine.recipes.sft import accumulate_loss
from training.engine.records import Document, Prompt, write_records
from training.engine.text_passes import mean_loss, prepare_layout
from training.engine.tokenization import encode, encode_prompt
from training.engine.training_texts import demonstrations, documents

DOCUMENTS = [f"{word} comes after {word} and ends" for word in "abcdefghijklmnopqrstuvwxyz"] * 4


def metrics_of(run, name):
    events = read_events(run / "events.jsonl")
    return [e["values"][name] for e in events if e["type"] == "metrics" and name in e["values"]]


def result_of(run):
    return json.loads((run / "result.json").read_text())


def with_corpus(run, texts=DOCUMENTS):
    write_records(run / "snapshot" / "corpus.parquet", [Document(text) for text in texts], Document)
    return run


@pytest.fixture
def texts(tokenizer):
    return [encode(tokenizer, d.messages, d.completion * n) for n, d in enumerate(snapshots.demonstrations())]


def loss_and_gradients(tiny_model, texts, **settings):
    config = SftConfig(kind="sft", policy="", **settings)
    policy = load_policy(tiny_model)
    prepare_layout(policy, config)
    learner = Learner(policy, learning_rate=1e-3, max_grad_norm=1.0)
    loss = accumulate_loss(learner, texts, config, CONTEXT, pad_id=0)
    valid = mean_loss(policy, texts, config, CONTEXT, pad_id=0)
    return loss, valid, {name: p.grad.clone() for name, p in policy.named_parameters()}


@pytest.mark.parametrize("budget", [64, 100_000])
def test_packed_texts_have_the_loss_and_gradients_of_texts_in_rows_of_their_own(tiny_model, texts, budget):
    packed = {"layout": "packed", "tokens_per_microbatch": budget}
    loss, valid, gradients = loss_and_gradients(tiny_model, texts, **packed)
    expected, expected_valid, expected_gradients = loss_and_gradients(tiny_model, texts)

    assert loss == pytest.approx(expected, rel=1e-5)
    assert valid == pytest.approx(expected_valid, rel=1e-5)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected_gradients[name], atol=1e-6, rtol=1e-4)


def test_the_loss_is_the_mean_over_completion_tokens_of_each_text_alone(tiny_model, texts):
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    total = count = 0.0
    for text in texts:
        logprobs = torch.log_softmax(
            model(torch.tensor([text.prompt_ids + text.completion_ids])).logits[0], -1
        )
        for offset, token in enumerate(text.completion_ids):
            total -= logprobs[len(text.prompt_ids) + offset - 1, token].item()
            count += 1

    for layout in ("bucketed", "packed"):
        assert loss_and_gradients(tiny_model, texts, layout=layout)[0] == pytest.approx(
            total / count, rel=1e-5
        )


def test_a_text_in_a_packed_row_does_not_see_its_neighbours(tiny_model, texts):
    def loss_of_last(first):
        config = SftConfig(kind="sft", policy="", layout="packed")
        policy = load_policy(tiny_model)
        prepare_layout(policy, config)
        both = mean_loss(policy, [first, texts[-1]], config, CONTEXT, pad_id=0)
        alone = mean_loss(policy, [first], config, CONTEXT, pad_id=0)
        sizes = len(first.completion_ids), len(texts[-1].completion_ids)
        return (both * sum(sizes) - alone * sizes[0]) / sizes[1]

    assert loss_of_last(texts[3]) == pytest.approx(loss_of_last(texts[5]), rel=1e-5)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_mix_has_its_share_of_the_tokens_step_by_step(new_run, tiny_model, tokenizer, share):
    run = with_corpus(new_run(kind="sft", policy=str(tiny_model)))
    config = SftConfig(kind="sft", policy="", batch_size=3, epochs=9, pretrain_mix=share, max_tokens=64)
    found = demonstrations(config, context_of(run), tokenizer)
    train, _ = encoded_demonstrations(context_of(run), tokenizer, split="train", max_tokens=64)
    prompts = {text.prompt_ids for text in train}

    mixed, written = [], 0
    for step in range(found.steps):
        batch = found.batch(step)
        written += sum(len(text.completion_ids) for text in batch if text.prompt_ids in prompts)
        mixed += [token for text in batch if text.prompt_ids not in prompts for token in text.completion_ids]
        assert len(mixed) == round(written * share / (1 - share))

    # What is mixed in is the corpus as it stands, piece by piece, and follows from the step alone.
    again = demonstrations(config, context_of(run), tokenizer)
    assert [again.batch(step) for step in (7, 2)] == [found.batch(step) for step in (7, 2)]
    whole = documents(
        PretrainConfig(kind="pretrain", policy="", max_tokens=64, tokens_per_step=len(mixed)),
        context_of(run),
        tokenizer,
    )
    assert [token for text in whole.batch(0) for token in text.completion_ids][: len(mixed)] == mixed


def test_a_pass_of_pretraining_counts_every_token_once_and_measures_on_others(new_run, tiny_model, tokenizer):
    run = with_corpus(new_run(kind="pretrain", policy=str(tiny_model)))
    config = PretrainConfig(kind="pretrain", policy="", max_tokens=16, tokens_per_step=100, epochs=2)
    found = documents(config, context_of(run), tokenizer)

    learned = [text for step in range(found.steps) for text in found.batch(step)]

    tokens = sum(len(tokenizer(text)["input_ids"]) + 1 for i, text in enumerate(DOCUMENTS) if i % 20 != 19)
    assert found.figures["tokens"] == tokens
    assert sum(len(text.completion_ids) for text in learned) == 2 * tokens
    assert found.steps == math.ceil(2 * tokens / 100)
    assert sum(len(text.completion_ids) for text in found.valid) == found.figures["valid_tokens"] == 5 * 25


def test_pretraining_learns_a_corpus_and_its_ends(new_run, tiny_model, tokenizer):
    run = new_run(
        kind="pretrain",
        policy=str(tiny_model),
        learning_rate=1e-2,
        tokens_per_step=512,
        max_tokens=64,
        epochs=12,
        layout="packed",
    )
    with_corpus(run)

    attempt(run)

    losses = metrics_of(run, "valid/loss")
    assert losses[-1] < 1.0 < 4.0 < metrics_of(run, "train/loss")[0]
    result = result_of(run)
    assert (result["kind"], result["model"], result["metrics"]["documents"]) == ("pretrain", "model", 99)
    assert result["metrics"]["valid_loss"] == min(losses)
    model = AutoModelForCausalLM.from_pretrained(run / "model")
    begun = torch.tensor([[tokenizer.eos_token_id, *tokenizer("q comes after q and end")["input_ids"]]])
    written = model.generate(begun, max_new_tokens=8, do_sample=False)[0, begun.shape[1] :]
    assert tokenizer.decode(written, skip_special_tokens=True) == "s"
    assert written[-1] == tokenizer.eos_token_id


def test_sft_learns_to_end(new_run, tiny_model, tokenizer):
    run = new_run(
        kind="sft", policy=str(tiny_model), learning_rate=1e-2, batch_size=4, epochs=40, warmup_steps=0
    )
    people = snapshots.prompts(8, 2)
    shown = [
        snapshots.Demonstration(f"d{p.prompt_id}", p.prompt_id, p.messages, "hello", p.split, "ann")
        for p in people
    ]
    write_records(run / "snapshot" / "demonstrations.parquet", shown)

    attempt(run)

    model = AutoModelForCausalLM.from_pretrained(run / "model")
    for prompt in people:
        ids = torch.tensor([encode_prompt(tokenizer, prompt.messages)])
        written = model.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :].tolist()
        assert tokenizer.decode(written) == "hello" + tokenizer.eos_token


def test_the_model_is_chosen_by_the_reward_model(new_run, tiny_model, tiny_reward_model):
    run = new_run(
        kind="sft",
        policy=str(tiny_model),
        reward_model=str(tiny_reward_model),
        select_by="reward_model",
        learning_rate=0.03,
        batch_size=4,
        epochs=3,
        eval_every=1,
        max_new_tokens=8,
    )

    attempt(run)

    scores = metrics_of(run, "valid/score")
    assert len(scores) == len(metrics_of(run, "valid/loss")) == 6
    result = result_of(run)
    assert result["metrics"]["valid_score"] == max(scores) > min(scores)
    assert result["step"] == 1 + scores.index(max(scores))
    shown = [event for event in read_events(run / "events.jsonl") if event["type"] == "text"]
    assert len(shown) == 4 * 6


def test_choosing_by_a_reward_model_needs_one_and_valid_prompts(new_run, tiny_model, tiny_reward_model):
    config = {"kind": "sft", "policy": str(tiny_model), "select_by": "reward_model"}
    with pytest.raises(ConfigError, match="select_by: 'reward_model' needs a reward model"):
        parse_config(config)

    run = new_run(**config, reward_model=str(tiny_reward_model))
    write_records(run / "snapshot" / "prompts.parquet", snapshots.prompts(4, 0), Prompt)
    with pytest.raises(DataError, match="no prompts of split valid"):
        attempt(run)


@pytest.mark.parametrize("config", [{"kind": "pretrain"}, {"kind": "sft", "pretrain_mix": 0.1}])
def test_without_a_corpus_there_is_nothing_to_learn_or_mix_in(new_run, tiny_model, config):
    run = new_run(**config, policy=str(tiny_model))

    with pytest.raises(DataError, match="no corpus: register a text corpus"):
        attempt(run)


def test_a_small_corpus_is_learned_whole_with_a_warning(new_run, tiny_model):
    run = with_corpus(new_run(kind="pretrain", policy=str(tiny_model), tokens_per_step=64), DOCUMENTS[:5])

    attempt(run)

    assert metrics_of(run, "valid/loss") == []
    assert result_of(run)["step"] == result_of(run)["metrics"]["steps"]
    texts = [event.get("text", "") for event in read_events(run / "events.jsonl")]
    assert any("fewer than 20 documents" in text for text in texts)
