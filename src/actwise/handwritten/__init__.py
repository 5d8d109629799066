"""Judges derivatives and gradients that people wrote by hand, and names the mistake."""

from actwise.handwritten.causes import Cause
from actwise.handwritten.check import DerivativeReport, check_derivative
from actwise.handwritten.gradient import GradientReport, check_gradient
from actwise.handwritten.gradient_causes import GradientFinding

__all__ = ["Cause", "DerivativeReport", "GradientFinding", "GradientReport", "check_derivative", "check_gradient"]
