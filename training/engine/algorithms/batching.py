"""Token sequences, micro-batches by token budget, and padded tensors. Everything is right-padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.engine.algorithms.masking import lengths_to_mask


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """A prompt's tokens and a completion's tokens; the completion's EOS, where it has one, is its last
    token."""

    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt_ids) + len(self.completion_ids)


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """input_ids (batch, time) int64, prompt then completion then padding.

    lengths (batch,): real tokens of each row. completion_mask (batch, time) bool: True on completion tokens.
    Causal attention never looks right, so real tokens do not see the padding and no attention mask is needed.
    """

    input_ids: Tensor
    lengths: Tensor
    completion_mask: Tensor

    @property
    def completion_lengths(self) -> Tensor:
        """(batch,) number of completion tokens."""
        return self.completion_mask.sum(dim=1)

    def to(self, device: torch.device) -> PaddedBatch:
        """The same batch on another device."""
        return PaddedBatch(
            self.input_ids.to(device), self.lengths.to(device), self.completion_mask.to(device)
        )


def collate(sequences: Sequence[TokenSequence], *, pad_id: int) -> PaddedBatch:
    """Right-pad sequences to the longest of them."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    prompt_lengths = torch.tensor([len(sequence.prompt_ids) for sequence in sequences])
    time = int(lengths.max())
    input_ids = torch.full((len(sequences), time), pad_id, dtype=torch.int64)
    for row, sequence in enumerate(sequences):
        input_ids[row, : len(sequence)] = torch.tensor(sequence.prompt_ids + sequence.completion_ids)
    completion_mask = lengths_to_mask(lengths, time) & ~lengths_to_mask(prompt_lengths, time)
    return PaddedBatch(input_ids, lengths, completion_mask)


def microbatches(lengths: Sequence[int], *, tokens_per_microbatch: int) -> list[list[int]]:
    """Cut rows into micro-batches of at most `tokens_per_microbatch` padded tokens; returns lists of row
    numbers.

    Rows of like length go together, so that little is padding; the longest come first, so that a lack of
    memory shows at once. A row longer than the budget gets a micro-batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    batches: list[list[int]] = []
    width = 0
    for row in order:
        if not batches or (len(batches[-1]) + 1) * width > tokens_per_microbatch:
            batches.append([])
            width = lengths[row]
        batches[-1].append(row)
    return batches


def packed_microbatches(sizes: Sequence[int], *, tokens_per_microbatch: int) -> list[list[int]]:
    """Cut rows that are laid end to end, without padding, into micro-batches of at most
    `tokens_per_microbatch` tokens; returns lists of row numbers.

    The longest come first; a row longer than the budget gets a micro-batch of its own.
    """
    batches: list[list[int]] = []
    filled = 0
    for row in sorted(range(len(sizes)), key=lambda row: (-sizes[row], row)):
        if not batches or filled + sizes[row] > tokens_per_microbatch:
            batches.append([])
            filled = 0
        batches[-1].append(row)
        filled += sizes[row]
    return batches


def shuffled(count: int, *, seed: int, epoch: int) -> list[int]:
    """The order of `count` items in an epoch: a function of (seed, epoch), so resuming needs no sampler
    state."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    return torch.randperm(count, generator=generator).tolist()
