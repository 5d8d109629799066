"""The tools that Actwise is measured beside: one small module each, one process each."""
