"""Training of the matcher: the rendered world, data sets, losses, evaluation."""
