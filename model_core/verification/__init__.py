"""Stage 9: local features between the photo and real street views of the best places."""
