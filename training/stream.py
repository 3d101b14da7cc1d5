"""The batches of a run: the same ones whether it ran in one piece or was resumed.

The stream begins anew, with another seed, after every evaluation, so a resumed run skips the
batches since the last one and no more. Hard negatives are mined at these points too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from training.datasets.places import RawBatch
from training.datasets.resident import ResidentPlaces
from training.distributed import rank, ranks
from training.strip_pairs import seed_of_step

_HARD = "hard_negatives"
_MINED_FOR = "mined_for_part"
Mine = Callable[[int], Tensor]


class BatchStream(IterableDataset[RawBatch]):
    """Endless batches, of every rank its share."""

    def __init__(
        self,
        places: ResidentPlaces,
        seed: int,
        every: int,
        first_step: int = 0,
        mine: Mine | None = None,
        mine_from: int = 0,
        state: Mapping[str, Tensor] | None = None,
    ):
        """Make a stream.

        Args:
            places: The set; its seed and hard negatives are set here.
            seed: Of the run.
            every: Steps between evaluations.
            first_step: Steps that a resumed run has done.
            mine: Returns hard negatives (N, k) for a seed; None leaves geographic neighbours.
            mine_from: The step from which on it is asked.
            state: What a checkpoint kept of ``state`` below.
        """
        self.places = places
        self.seed = seed
        self.every = every
        self.first_step = first_step
        self.mine = mine
        self.mine_from = mine_from
        self._state = dict(state or {})

    def state(self) -> dict[str, Tensor]:
        """Return what a resumed stream needs."""
        return self._state

    def __iter__(self) -> Iterator[RawBatch]:
        """Yield batches from the step after ``first_step`` on, forever."""
        part, done = divmod(self.first_step, self.every)
        while True:
            self._set_negatives(part)
            self.places.seed = seed_of_step(self.seed, part)
            for batch in islice(iter(self.places), done, self.every):
                yield _share(batch)
            part, done = part + 1, 0

    def _set_negatives(self, part: int) -> None:
        if self.mine is None or (part + 1) * self.every <= self.mine_from:
            return
        kept = self._state.get(_MINED_FOR)
        if kept is None or int(kept) != part:
            hard = self.mine(seed_of_step(self.seed, part))
            self._state = {_HARD: hard.cpu(), _MINED_FOR: torch.tensor(part)}
        self.places.set_hard_negatives(self._state[_HARD])


def _share(batch: RawBatch) -> RawBatch:
    """Return this rank's rows; all ranks have as many."""
    if ranks() == 1:
        return batch
    count = len(batch.city) // ranks() * ranks()
    mine = slice(rank(), count, ranks())
    return RawBatch(*(getattr(batch, f.name)[mine] for f in dataclasses.fields(RawBatch)))
