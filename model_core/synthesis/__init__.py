"""Stage 4, synthesis: a street-view strip from the satellite strip where none is usable."""
