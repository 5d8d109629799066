"""Compiled kernels: the sources, the formulas rendered for them, and the cache they live in."""
