"""What is to be learned from a target: its kind, its classes, and targets as numbers and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError, suggest
from actwise.tasks.scaling import Scaling, has_heavy_tail

Kind: TypeAlias = Literal["regression", "binary", "multiclass", "multilabel"]
Label: TypeAlias = str | int | float | bool
Array: TypeAlias = npt.NDArray[Any]
KINDS: tuple[Kind, ...] = get_args(Kind)
ASKED = ("auto", "classification", *KINDS)

# Whole numbers are classes if there are at most 20 different ones, and at most the square root of the number
# of rows, so that a class has about as many rows as there are classes; two different ones always are.
MOST_NUMBER_CLASSES = 20
# Where the logarithm is learned: so many spreads below the centre counts a target of new rows that is not positive,
# and beyond this a prediction would overflow.
LEAST = -10.0
LARGEST_LOGARITHM = 700.0


@dataclass(frozen=True)
class Task:
    """What is to be learned.

    Parameters
    ----------
    kind : {"regression", "binary", "multiclass", "multilabel"}
        Numbers, one of two classes, one of several, or several yes-or-no answers.
    n_outputs : int
        Outputs of a network for it: one for two classes, one per class of several, one per number or answer.
    labels : tuple of str, int, float or bool
        The classes, sorted, in their own type; empty for numbers and for several answers.
    reason : str
        Why it is this task, for a person.
    scaling : Scaling or None
        Of the targets of a regression, learned from training rows; None: they are as they are.
    transform : {"none", "log"}
        What is learned of a regression's single target; `scaling` is of its logarithm where that is learned.
    """

    kind: Kind
    n_outputs: int
    labels: tuple[Label, ...] = ()
    reason: str = ""
    scaling: Scaling | None = None
    transform: Literal["none", "log"] = "none"

    @classmethod
    def of_classes(cls, labels: Array | tuple[Label, ...], reason: str = "") -> Task:
        """Tell classes apart, given sorted."""
        plain = tuple(labels.tolist() if isinstance(labels, np.ndarray) else labels)
        return cls("binary", 1, plain, reason) if len(plain) <= 2 else cls("multiclass", len(plain), plain, reason)

    @property
    def is_classification(self) -> bool:
        """Whether classes are told apart."""
        return self.kind != "regression"

    @property
    def output_activation(self) -> str:
        """The output activation that fits."""
        return {"regression": "identity", "multiclass": "softmax"}.get(self.kind, "sigmoid")

    @property
    def loss(self) -> str:
        """The loss that fits."""
        losses = {"regression": "squared_error", "multiclass": "categorical_cross_entropy"}
        return losses.get(self.kind, "binary_cross_entropy")

    def learn(self, values: npt.NDArray[np.float64]) -> Task:
        """Learn the scaling of a regression's targets from training rows, shape (n_rows, n_outputs).

        A single target that is positive with a heavy tail is learned as its logarithm: among squared errors of the
        target itself a few rows outweigh all others.
        """
        if self.is_classification:
            return self
        transform, reason = self.transform, self.reason
        if values.shape[1] == 1 and has_heavy_tail(values):
            if values.min() > 0 and not has_heavy_tail(np.log(values)):
                transform, values = "log", np.log(values)
                reason += "; its logarithm is learned, since it is positive and its tail is long"
            else:
                reason += "; a few values lie so far out that their errors outweigh all others"
        # In units of a power of 2 near the largest number, which rounds nothing and keeps squares from overflowing.
        units = np.exp2(np.frexp(np.abs(values).max(axis=0))[1] - 1.0)
        scaling = Scaling.learn(values / units, None, inputs=False)
        return replace(
            self, reason=reason, transform=transform, scaling=Scaling(scaling.centres * units, scaling.scales * units)
        )

    def encode(self, y: npt.ArrayLike) -> Array:
        """Turn targets into what a network learns.

        Class indices (n_rows,), int64; 0 and 1 (n_rows, n_outputs) for several answers; float32 numbers
        (n_rows, n_outputs), scaled, for a regression. All labels must be known.
        """
        if self.kind == "multilabel":
            return np.asarray(np.not_equal(y, 0), np.float64)
        if self.is_classification:
            given = np.asarray(y)
            if given.ndim == 2 and given.shape[1] > 1:  # a column per class
                return np.asarray(given.argmax(axis=1), np.int64)
            return np.searchsorted(np.asarray(self.labels), given).astype(np.int64)
        values = np.asarray(y, np.float64).reshape(-1, self.n_outputs)
        scaling = self.scaling or Scaling.none(self.n_outputs)
        if self.transform == "none":
            return scaling.apply(values).astype(np.float32)
        with np.errstate(all="ignore"):
            standard = np.nan_to_num(scaling.apply(np.log(values)), nan=LEAST, neginf=LEAST)
        return np.maximum(standard, LEAST).astype(np.float32)

    def indicators(self, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return a column for each output of a classification: 1 in the rows of its class or answer, 0 elsewhere."""
        codes = self.encode(y)
        if self.kind == "multiclass":
            return np.equal(codes[:, None], np.arange(self.n_outputs)).astype(np.float64)
        return codes.reshape(len(codes), -1).astype(np.float64)

    def decide(self, outputs: Array, threshold: float = 0.5) -> Array:
        """Return the class index of each row of outputs (n_rows, n_outputs), or its answers as 0 and 1."""
        if self.kind == "multiclass":
            return np.asarray(outputs.argmax(axis=1))
        said = (outputs > threshold).astype(np.int64)
        if self.kind == "multilabel":
            return said
        # A single class is meant whatever was said.
        return np.minimum(said[:, 0], max(len(self.labels) - 1, 0))

    def decode(self, encoded: npt.ArrayLike) -> Array:
        """Turn class indices into labels (n_rows,), or scaled numbers into the target's own units, of their shape."""
        if self.labels:
            return np.asarray(self.labels)[np.asarray(encoded, np.int64)]
        outputs = np.asarray(encoded, np.float64)
        if self.scaling is None:
            return outputs
        plain = self.scaling.undo(outputs.reshape(-1, self.n_outputs)).reshape(outputs.shape)
        return np.exp(np.minimum(plain, LARGEST_LOGARITHM)) if self.transform == "log" else plain


def find_task(y: npt.ArrayLike, kind: str | None = None) -> Task:
    """Find out what is to be learned from targets without missing values.

    Text, truth values, two different whole numbers or few of them (at most 20, and at most the square root of the
    number of rows) are classes. Several columns of 0 and 1 are classes where each row has one 1, and answers
    otherwise. All else is a regression.

    Parameters
    ----------
    y : array_like of shape (n_rows,) or (n_rows, n_columns), or a polars column
        Numbers, truth values or text.
    kind : {"auto", "classification", "regression", "binary", "multiclass", "multilabel"}, optional
        What is asked for; found out where not given.

    Raises
    ------
    InputError
        If the kind is unknown or there are no targets.

    Examples
    --------
    >>> find_task(["cat", "dog", "cat"]).labels, find_task([0.2, 0.7, 0.4]).kind
    (('cat', 'dog'), 'regression')
    >>> find_task([0, 1, 1, 0]).reason[:55]
    'holds 2 different whole numbers, which are taken for cl'
    """
    if kind is not None and kind not in ASKED:
        raise InputError(f"unknown task {kind!r}; {suggest(kind, ASKED, noun='tasks')}")
    values = np.asarray(y)
    if values.ndim not in (1, 2) or not values.size:
        raise InputError(f"y must have the shape (rows,) or (rows, columns) and hold rows, not {values.shape}")
    if values.ndim == 2 and values.shape[1] > 1:
        return _of_columns(values, kind)
    values = values.reshape(-1)
    if kind == "multilabel":
        return Task("multilabel", 1, (), "holds yes-or-no answers, as asked: classification")
    if kind == "regression":
        return Task("regression", 1, (), "holds quantities, as asked: regression")
    is_class, reason = (
        (True, "holds classes, as asked: classification") if kind not in (None, "auto") else _guess(values)
    )
    return Task.of_classes(np.unique(values), reason) if is_class else Task("regression", 1, (), reason)


def _of_columns(values: Array, kind: str | None) -> Task:
    n = values.shape[1]
    finite = values.dtype.kind not in "f" or bool(np.isfinite(values).all())
    zero_or_one = finite and values.dtype.kind in "biuf" and bool(np.isin(values, (0, 1)).all())
    one_each = zero_or_one and bool(np.all(values.sum(axis=1) == 1))
    if kind in ("multiclass", "classification") or (kind in (None, "auto") and one_each):
        return Task("multiclass", n, tuple(range(n)), f"{n} columns, one per class: classification")
    if kind == "multilabel" or (kind in (None, "auto") and zero_or_one):
        return Task("multilabel", n, (), f"{n} columns of 0 and 1, one per answer: classification")
    if kind == "binary":
        if n > 2:
            raise InputError(f"{n} columns are not one of two classes: give one column, or another task")
        return Task.of_classes((0, 1), "2 columns, one per class: classification")
    return Task("regression", n, (), f"{n} targets: multi-output regression")


def _guess(values: Array) -> tuple[bool, str]:
    """Tell whether the targets are classes, and why."""
    if values.dtype.kind == "b":
        return True, "holds truth values: classification"
    different = np.unique(values)
    if values.dtype.kind not in "iuf":
        return True, f"holds {_count(len(different), 'text')}: classification"
    if not np.all(np.isfinite(different)) or not np.all(different == np.floor(different)):
        return False, f"holds {_count(len(different), 'number')}, not all of them whole: regression"
    if len(different) <= max(2, min(MOST_NUMBER_CLASSES, int(len(values) ** 0.5))):
        return True, (
            f"holds {_count(len(different), 'whole number')}, which are taken for classes: classification "
            "(ask for task 'regression' if they are quantities)"
        )
    return False, (
        f"holds {_count(len(different), 'whole number')}, too many for classes of {len(values)} rows: "
        "regression (ask for task 'classification' if they are)"
    )


def _count(n: int, noun: str) -> str:
    return f"{n} different {noun}s" if n > 1 else f"1 {noun}"
