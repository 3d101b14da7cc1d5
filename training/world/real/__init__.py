"""Cities from real data: OSM, Overpass and CityJSON files made ready for the renderer.

A district is a window of a city, chosen, turned and mirrored by its seed. Windows of one city
overlap and show the same streets, so a whole city trains or tests, never some of its windows. What
files do not say, the looks of facades, trees and ground among it, is of the families to train on:
the real tier of the test world tests on other geometry, not on other textures.
"""
