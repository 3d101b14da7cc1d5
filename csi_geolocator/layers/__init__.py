"""What a run found, as layers: a GeoPackage, its layers in the project, their styles, exports."""
