"""scikit-learn estimators: the parameters people know, trained in compiled code."""

from __future__ import annotations

from actwise.estimators.classifier import MLPClassifier
from actwise.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
