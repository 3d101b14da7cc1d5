"""Stage 3, alignment: satellite image and street views brought into one azimuth frame."""
