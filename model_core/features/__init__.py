"""Stage 5, features: strips to normalised tensors, a ConvNeXt backbone, the place encoder."""
