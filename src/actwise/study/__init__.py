"""Which of several activations, settings or learners suits some data: paired experiments and their statistics."""

from actwise.study.api import compare
from actwise.study.conclusion import ArmResult, Comparison
from actwise.study.datasets import DatasetComparison
from actwise.study.scores import compare_scores

__all__ = ["ArmResult", "Comparison", "DatasetComparison", "compare", "compare_scores"]
