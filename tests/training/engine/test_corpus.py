"""The token stream of a corpus: every token once a pass, none from another document, by position alone."""

from collections import Counter

import pytest

from tests.training.engine.conftest import context_of
from training.engine.corpus import load_corpus
from training.engine.errors import DataError, StopRequested
from training.engine.records import Document, write_records
from training.engine.stopping import StopFlag

TEXTS = [f"{'abcdefghij'[i % 10]}" * (1 + i % 7) + str(i) for i in range(50)]


@pytest.fixture
def run(new_run, tiny_model):
    directory = new_run(kind="sft", policy=str(tiny_model))
    write_records(directory / "snapshot" / "corpus.parquet", [Document(text) for text in TEXTS])
    return directory


def pieces(stream, start, count):
    return [(s.prompt_ids, s.completion_ids) for s in stream.span(start, count)]


def test_a_pass_predicts_every_token_of_every_document_once(run, tokenizer):
    corpus = load_corpus(context_of(run), tokenizer, seed=1, max_tokens=64)
    eos = tokenizer.eos_token_id
    wanted = {text: (*tokenizer(text)["input_ids"], eos) for text in TEXTS}
    held_out = TEXTS[19::20]

    for stream, texts in ((corpus.train, set(TEXTS) - set(held_out)), (corpus.valid, held_out)):
        whole = pieces(stream, 0, len(stream))
        assert len(stream) == sum(len(wanted[text]) for text in texts)
        assert all(prompt == (eos,) for prompt, _ in whole)
        assert Counter(ids for _, ids in whole) == Counter(wanted[text] for text in texts)


@pytest.mark.parametrize("step", [1, 5, 13])
def test_spans_of_any_length_join_to_the_same_stream(run, tokenizer, step):
    stream = load_corpus(context_of(run), tokenizer, seed=1, max_tokens=64).train
    length = 2 * len(stream) + 3
    whole = [token for _, ids in pieces(stream, 0, length) for token in ids]

    cut = [pieces(stream, start, min(step, length - start)) for start in range(0, length, step)]

    assert [token for span in cut for _, ids in span for token in ids] == whole
    # Within a document the prompt is the token before; at its beginning it is EOS.
    before = [tokenizer.eos_token_id, *whole]
    position = 0
    for prompt, ids in (piece for span in cut for piece in span):
        assert prompt == (before[position],)
        position += len(ids)


def test_long_documents_are_cut_to_the_longest_sequence_and_nothing_is_lost(run, tokenizer):
    stream = load_corpus(context_of(run), tokenizer, seed=1, max_tokens=4).train

    cut = pieces(stream, 0, len(stream))

    assert max(len(prompt) + len(ids) for prompt, ids in cut) == 4
    assert sum(len(ids) for _, ids in cut) == len(stream)


def test_passes_have_orders_of_their_own_that_follow_from_the_seed(run, tokenizer):
    context = context_of(run)
    one, again, other = (
        load_corpus(context, tokenizer, seed=seed, max_tokens=64).train for seed in (1, 1, 2)
    )
    length = len(one)

    assert pieces(one, 0, length) == pieces(again, 0, length)
    assert pieces(one, 0, length) != pieces(one, length, length)
    assert pieces(one, 0, length) != pieces(other, 0, length)
    assert Counter(pieces(one, 0, length)) == Counter(pieces(one, length, length))


def test_a_run_without_a_corpus_says_so_and_leaves_nothing(new_run, tiny_model, tokenizer):
    run = new_run(kind="sft", policy=str(tiny_model))

    with pytest.raises(DataError, match=r"no corpus: register a text corpus"):
        load_corpus(context_of(run), tokenizer, seed=1, max_tokens=64)

    assert not list(run.glob("*corpus*"))


def test_tokenizing_that_is_stopped_leaves_nothing_half_written(run, tokenizer):
    stop = StopFlag()
    stop.is_raised = True

    with pytest.raises(StopRequested):
        load_corpus(context_of(run, stop=stop), tokenizer, seed=1, max_tokens=64)

    assert not list(run.glob("*corpus*"))
    assert len(load_corpus(context_of(run), tokenizer, seed=1, max_tokens=64).train) > 0
