"""Engines that run programs: Numba on the CPU."""
