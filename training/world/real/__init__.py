"""Cities from real data: OSM, Overpass and CityJSON files made ready for the renderer."""
