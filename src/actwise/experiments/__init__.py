"""Trains things several times over, side by side, within a budget that is counted in updates."""
