"""Judges derivatives, gradients and networks that people wrote by hand, and names the mistake."""

from actwise.handwritten.causes import Cause
from actwise.handwritten.check import DerivativeReport, check_derivative
from actwise.handwritten.findings import FunctionsFinding
from actwise.handwritten.gradient import GradientReport, check_gradient
from actwise.handwritten.gradient_causes import GradientFinding
from actwise.handwritten.networks import FunctionsDiagnosis, diagnose_functions

__all__ = [
    "Cause",
    "DerivativeReport",
    "FunctionsDiagnosis",
    "FunctionsFinding",
    "GradientFinding",
    "GradientReport",
    "check_derivative",
    "check_gradient",
    "diagnose_functions",
]
