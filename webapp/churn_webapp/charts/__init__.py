"""Geometry of the plots; the templates in templates/charts draw them as SVG."""
