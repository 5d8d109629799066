"""Trainings over several seeds, within a budget."""
