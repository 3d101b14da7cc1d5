"""Models scored on held-out places: galleries, photos, outcomes, controls, reports."""
