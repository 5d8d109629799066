"""Formulas: an expression tree that is traced, differentiated and written out in many dialects."""
