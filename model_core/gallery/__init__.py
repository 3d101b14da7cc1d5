"""Stage 7, gallery: the features of every place of an area, in a folder."""
