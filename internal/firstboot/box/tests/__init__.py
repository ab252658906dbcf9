"""Unit tests of the package ageenv: python3 -m unittest discover -s tests -t . in this directory."""
