"""What a trained model is made of, in the order in which a row passes through it, and how a model is trained.

Every kind of model can say this of itself, so that exports (ONNX, PyTorch) need to know one record and no kind of
model: a new kind has a method ``model_description`` and nothing else to do. Whatever asks how a model is trained (the
doctor) needs ``training_description`` and ``changed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from actwise.errors import InputError
from actwise.model.network import Network
from actwise.tasks.scaling import Scaling

Label: TypeAlias = str | int | float | bool
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ModelDescription:
    """What a trained model is made of.

    A row of numbers is scaled by `inputs` (where given), passes through `network`, and is scaled back by
    `outputs` (where given). With `columns`, the numbers are first made from the cells of a table.

    Parameters
    ----------
    network : Network
        With its trained parameters.
    columns : tuple
        Records of `actwise.tables.columns` that turn cells into numbers; empty where inputs are numbers.
    inputs : Scaling or None
        What is done to the numbers before the network.
    outputs : Scaling or None
        What is undone to the network's outputs, for a regression.
    exponential : bool
        Whether what is then reached is the logarithm of the answer.
    classes : tuple of str, int, float or bool
        The labels of a classification. Two of them may stand for one output, the probability of the second.
    multilabel : bool
        Whether each output is a question of its own, answered yes from a probability of one half on.
    margins : bool
        Whether outputs are margins, of which a positive one says yes, instead of probabilities.
    names : tuple of str
        What the outputs are called, where they have names.
    """

    network: Network
    columns: tuple[Any, ...] = ()
    inputs: Scaling | None = None
    outputs: Scaling | None = None
    exponential: bool = False
    classes: tuple[Label, ...] = ()
    multilabel: bool = False
    margins: bool = False
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        width, height = self.network.n_inputs, self.network.n_outputs
        if self.inputs is not None and len(self.inputs) != width:
            raise InputError(f"a network with {width} inputs needs a centre and a scale for each of them")
        if self.outputs is not None and len(self.outputs) != height:
            raise InputError(f"a network with {height} outputs needs a centre and a scale for each of them")
        if self.exponential and self.outputs is None:
            raise InputError("an exponential is taken of outputs that are scaled back")
        fitting = {len(self.classes)} | ({1} if len(self.classes) == 2 and not self.multilabel else set())
        if self.classes and height not in fitting:
            raise InputError(f"{len(self.classes)} classes do not fit a network with {height} outputs")
        if self.columns and sum(len(each.feature_names) for each in self.columns) != width:
            raise InputError(f"the columns do not make the {width} inputs of the network")

    @property
    def has_one_probability(self) -> bool:
        """Whether a single output is the probability (or margin) of the second of two classes."""
        return len(self.classes) == 2 and not self.multilabel and self.network.n_outputs == 1


# How a rate that depends on the course of the training is described, by each estimator that knows one.
NOTE_ON_ADAPTIVE = 'learning_rate="adaptive" was examined as the constant rate that it begins with.'


@runtime_checkable
class DescribesModel(Protocol):
    """A model that describes itself."""

    def model_description(self) -> ModelDescription:
        """Return the description."""


@dataclass(frozen=True, eq=False)
class TrainingDescription:
    """How a model is trained on some rows, in the terms of `actwise.train`.

    Parameters
    ----------
    network : Network
        What is trained.
    X : ndarray of shape (n_rows, n_inputs)
        Inputs as they are.
    targets : ndarray of shape (n_rows, n_targets)
        Targets as they are for numbers, as the loss takes them for classes.
    task : {"regression", "binary", "multiclass", "multilabel"}
        What is to be learned.
    settings : mapping
        Arguments of `actwise.train`: loss, optimizer, batch_size, epochs and so on.
    scales_inputs, scales_targets : bool
        Whether columns and targets are standardised for the training.
    weights : ndarray of shape (n_rows,) or None
        How much each row counts.
    validation_share : float
        Of the rows, to stop the training by; 0 for none.
    outputs : ndarray of shape (n_rows, n_outputs) or None
        What the model as it is puts out, on the scale of the targets; None where it is not fitted.
    note : str
        Where the settings only come near to the model's training: a sentence on that.
    """

    network: Network
    X: npt.NDArray[np.floating[Any]]
    targets: npt.NDArray[np.floating[Any]]
    task: str
    settings: Mapping[str, Any]
    scales_inputs: bool = False
    scales_targets: bool = False
    weights: npt.NDArray[np.floating[Any]] | None = None
    validation_share: float = 0.0
    outputs: npt.NDArray[np.floating[Any]] | None = None
    note: str = ""


@runtime_checkable
class DescribesTraining(Protocol):
    """A model that says how it is trained, and can be trained in another way."""

    def training_description(self, X: Any, y: Any) -> TrainingDescription:
        """Return the description of its training on some rows."""

    def changed(self, settings: Mapping[str, Any], X: Any, y: Any, seed: int) -> Any:
        """Return an unfitted copy with some settings changed, which have the names of `actwise.train`."""


def description_of(model: object) -> ModelDescription:
    """Say what a model is made of.

    >>> from actwise.model.layers import Dense
    >>> description_of(Network([Dense(1)], n_inputs=2)).classes
    ()
    """
    if isinstance(model, DescribesModel) and not isinstance(model, type):
        return model.model_description()
    network = model if isinstance(model, Network) else getattr(model, "network", None)
    if not isinstance(network, Network):
        raise InputError(
            f"{described(model)} cannot be exported: give an aw.Network, the result of aw.train, a table model "
            "(aw.load, aw.fit_table) or a fitted Actwise estimator; for other networks see aw.from_sklearn and "
            "aw.from_torch"
        )
    return ModelDescription(network)


def described(model: object) -> str:
    """Name a model's class with its package, as others have classes of the same names.

    >>> from fractions import Fraction
    >>> described(Fraction(1)), described(Fraction), described(1)
    ("fractions's Fraction", "fractions's Fraction (a class)", 'int')
    """
    kind = model if isinstance(model, type) else type(model)
    package = kind.__module__.split(".")[0]
    name = kind.__name__ if package == "builtins" else f"{package}'s {kind.__name__}"
    return name + " (a class)" * isinstance(model, type)
