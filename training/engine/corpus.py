"""A text corpus as a stream of tokens: tokenized once into the run directory, read from disk from then on.

Memory does not grow with the corpus, save for a few bytes a document.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.engine.algorithms.batching import TokenSequence
from training.engine.context import RunContext
from training.engine.errors import DataError
from training.engine.files import new_directory
from training.engine.records import Document

DOCUMENTS_AT_ONCE = 64
HELD_OUT = 20  # every 20th document is for measuring only


class TextStream:
    """Documents as one endless stream of tokens, each document ended by EOS, in a new order at each pass.

    What stands at a position is a function of (seed, position), so a resumed run needs no sampler state.
    """

    def __init__(
        self, tokens: Tensor, begins: Tensor, ends: Tensor, *, eos_id: int, seed: int, max_tokens: int
    ) -> None:
        """tokens: (n,) int32 of the whole corpus. begins, ends: (documents,) int64, the slices of `tokens`
        that are the stream's documents. max_tokens: longest sequence that `span` gives."""
        self._tokens, self._begins, self._ends = tokens, begins, ends
        self._eos_id, self._seed, self._max_tokens = eos_id, seed, max_tokens
        self._pass: tuple[int, Tensor, Tensor] | None = None
        self.documents = len(begins)

    def __len__(self) -> int:
        """Tokens of one pass, EOS of each document included."""
        return int((self._ends - self._begins).sum())

    def span(self, start: int, count: int) -> list[TokenSequence]:
        """The `count` tokens from position `start` on, as completions cut at document ends and `max_tokens`.

        The prompt of each is the one token before it, EOS before a document: so every token of a pass is
        predicted exactly once, and none is predicted from another document.
        """
        sequences = []
        while count > 0:
            number, offset = divmod(start, len(self))
            order, starts = self._order(number)
            place = int(torch.searchsorted(starts, offset, right=True)) - 1
            begin, end = int(self._begins[order[place]]), int(self._ends[order[place]])
            at = begin + offset - int(starts[place])
            taken = min(count, end - at, self._max_tokens - 1)
            before = self._eos_id if at == begin else int(self._tokens[at - 1])
            sequences.append(TokenSequence((before,), tuple(self._tokens[at : at + taken].tolist())))
            start += taken
            count -= taken
        return sequences

    def _order(self, number: int) -> tuple[Tensor, Tensor]:
        """The documents of a pass in its order, and the position within the pass where each begins."""
        if self._pass is None or self._pass[0] != number:
            generator = torch.Generator().manual_seed((self._seed * 1_000_003 + number) % 2**63)
            order = torch.randperm(self.documents, generator=generator)
            lengths = (self._ends - self._begins)[order]
            self._pass = (number, order, lengths.cumsum(0) - lengths)
        return self._pass[1], self._pass[2]


@dataclass(frozen=True)
class Corpus:
    """train: what is learned from. valid: every 20th document; empty when there are fewer."""

    train: TextStream
    valid: TextStream


def load_corpus(context: RunContext, tokenizer: Any, *, seed: int, max_tokens: int) -> Corpus:
    """The snapshot's corpus; DataError when it has none. An earlier attempt's tokens are used again."""
    directory = context.directory / "corpus"
    context.divide([directory], lambda own: _tokenize(context, tokenizer, own))
    ends = _read(directory / "ends.bin", torch.int64)
    tokens = _read(directory / "tokens.bin", torch.int32)
    begins = torch.cat([torch.zeros(1, dtype=torch.int64), ends[:-1]])
    is_held_out = torch.arange(len(ends)) % HELD_OUT == HELD_OUT - 1

    def stream(chosen: Tensor) -> TextStream:
        return TextStream(
            tokens,
            begins[chosen],
            ends[chosen],
            eos_id=tokenizer.eos_token_id,
            seed=seed,
            max_tokens=max_tokens,
        )

    return Corpus(stream(~is_held_out), stream(is_held_out))


def _tokenize(context: RunContext, tokenizer: Any, own: Sequence[Path]) -> list[None]:
    """Write what is not there yet of this process's share of the one directory."""
    for directory in own:
        if not directory.exists():
            _write_tokens(context, tokenizer, directory)
    return []


def _write_tokens(context: RunContext, tokenizer: Any, directory: Path) -> None:
    """The tokens of all documents, one after the other, and where each ends."""
    context.events.message("the corpus is read into tokens, once")
    texts = (document.text for document in context.records(Document))
    ends = array("q")
    with (
        new_directory(directory) as temporary,
        (temporary / "tokens.bin").open("wb") as tokens_file,
        (temporary / "ends.bin").open("wb") as ends_file,
    ):
        for batch in _batches(texts):
            context.stop.check()
            for ids in tokenizer(batch, add_special_tokens=False)["input_ids"]:
                array("i", [*ids, tokenizer.eos_token_id]).tofile(tokens_file)
                ends.append((ends[-1] if ends else 0) + len(ids) + 1)
        if not ends:
            raise DataError(
                "the snapshot has no corpus: register a text corpus and start the run with it "
                "(looked in snapshot/corpus.parquet)"
            )
        ends.tofile(ends_file)
    context.events.message(f"the corpus has {len(ends)} documents, {ends[-1]} tokens")


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(texts, DOCUMENTS_AT_ONCE)):
        yield batch


def _read(path: Path, dtype: torch.dtype) -> Tensor:
    """A file of numbers as a tensor that stays on the disk."""
    size = path.stat().st_size // dtype.itemsize
    return torch.from_file(str(path), shared=False, size=size, dtype=dtype)
