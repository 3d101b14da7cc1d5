"""A second renderer of the same city, as polygons: other edges, other textures, other resampling.

It shares with the column renderer what reality shares (geometry, durable colours, light, shadows)
and no line of tracing, shading or resampling, so that a model cannot learn one renderer's habits.
"""
