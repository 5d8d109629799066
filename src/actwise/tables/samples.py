"""The data sets that scikit-learn brings along, as tables: ``sample:iris`` and its like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from actwise.errors import TableError, suggest

PREFIX = "sample:"


@dataclass(frozen=True)
class _Sample:
    """Which loader brings a data set, and what its target is called here."""

    loader: str
    target: str


_SAMPLES = {
    "breast_cancer": _Sample("load_breast_cancer", "diagnosis"),
    "diabetes": _Sample("load_diabetes", "progression"),
    "digits": _Sample("load_digits", "digit"),
    "iris": _Sample("load_iris", "species"),
    "linnerud": _Sample("load_linnerud", ""),
    "wine": _Sample("load_wine", "cultivar"),
}


def sample_names() -> tuple[str, ...]:
    """List the bundled data sets.

    >>> sample_names()
    ('breast_cancer', 'diabetes', 'digits', 'iris', 'linnerud', 'wine')
    """
    return tuple(_SAMPLES)


def sample_table(name: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Load a bundled data set.

    >>> frame, targets = sample_table("iris")
    >>> frame.shape, targets, frame["species"][0]
    ((150, 5), ('species',), 'setosa')

    Source: `sklearn.datasets`.
    """
    if name not in _SAMPLES:
        raise TableError(f"no sample data set {name!r}: {suggest(name, _SAMPLES, noun='sample data sets')}")
    import sklearn.datasets  # heavy: loaded only when a sample is asked for

    sample = _SAMPLES[name]
    loader: Callable[[], Any] = getattr(sklearn.datasets, sample.loader)
    bunch = loader()
    features = {str(feature): bunch.data[:, i] for i, feature in enumerate(bunch.feature_names)}
    if not sample.target:
        targets = {str(target): bunch.target[:, i] for i, target in enumerate(bunch.target_names)}
    elif "target_names" in bunch and bunch.target_names is not None and bunch.target_names.dtype.kind == "U":
        targets = {sample.target: bunch.target_names[bunch.target]}
    else:
        targets = {sample.target: bunch.target}
    return pl.DataFrame({**features, **targets}), tuple(targets)
