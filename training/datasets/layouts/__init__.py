"""Readers of published data sets, as they lie on disk after download."""
