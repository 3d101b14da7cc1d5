"""Stage 8, matching: correlation of a photo with every place over all azimuths."""
