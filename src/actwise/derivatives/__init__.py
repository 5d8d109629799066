"""Judges derivatives and gradients that people wrote by hand, and names the mistake."""

from actwise.derivatives.causes import Cause
from actwise.derivatives.check import DerivativeReport, check_derivative
from actwise.derivatives.gradient import GradientReport, check_gradient
from actwise.derivatives.gradient_causes import GradientFinding

__all__ = ["Cause", "DerivativeReport", "GradientFinding", "GradientReport", "check_derivative", "check_gradient"]
