"""Training sets: rendered places on disk, batches of geographic neighbours, augmentation."""
