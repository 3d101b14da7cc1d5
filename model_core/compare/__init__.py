"""A photo beside what stands at a candidate, seen as the photo would have seen it."""

from model_core.compare.compare import CompareRequest, Comparison, compare

__all__ = ["CompareRequest", "Comparison", "compare"]
