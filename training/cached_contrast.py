"""Batches larger than memory: encode in chunks that forget, take the loss on all, go back in turn.

Summing the gradients of small batches would add no negatives. Here the loss sees every feature of
the whole batch; only then is each chunk encoded again, with its graph, and its gradients are taken
from those of its features. One chunk's graph is alive at a time.

Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup";
torch's checkpointing does it a chunk at a time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

Encode = Callable[..., Tensor]


def encode_in_chunks(encode: Encode, chunks: int, *inputs: Tensor) -> Tensor:
    """Return ``encode(*inputs)`` with the memory of one chunk and the gradients of the whole.

    Args:
        encode: Takes rows of ``inputs`` and returns as many rows; rows do not see each other.
        chunks: How many; 1 encodes at once and keeps the graph.
        inputs: (B, ...) each.
    """
    if chunks <= 1 or not torch.is_grad_enabled():
        return encode(*inputs)
    parts = zip(*(tensor.chunk(chunks) for tensor in inputs), strict=True)
    return torch.cat([checkpoint(encode, *part, use_reentrant=False) for part in parts])
