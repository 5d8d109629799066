"""Draws and explains: figures, plots in the terminal, derivations in words."""
