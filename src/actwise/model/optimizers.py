"""Optimisers: frozen records of a rule and its constants; the steps themselves are compiled."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

from actwise.errors import InputError, suggest
from actwise.model.schedules import Schedule, as_schedule


def _share(value: float, what: str) -> None:
    if not 0 <= value < 1:
        raise InputError(f"{what} must be at least 0 and below 1, not {value!r}")


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, with momentum and Nesterov's variant.

    Parameters
    ----------
    learning_rate : float or schedule
        Step size.
    momentum : float
        Share of the last step that is kept.
    nesterov : bool
        Whether the gradient is taken ahead of the step.

    References
    ----------
    Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".
    """

    learning_rate: float | Schedule = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    rule: ClassVar[str] = "sgd"  # the stage in engines/numba/compiled/updates.py

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        _share(self.momentum, "momentum")

    @property
    def constants(self) -> tuple[float, ...]:
        """The rule's constants, in the order in which the compiled step reads them."""
        return (self.momentum, float(self.nesterov))


@dataclass(frozen=True)
class Adam:
    """Adam.

    Parameters
    ----------
    learning_rate : float or schedule
        Step size.
    beta1, beta2 : float
        Decay of the means of gradient and squared gradient.
    epsilon : float
        Added to the root of the mean squared gradient.

    References
    ----------
    Kingma and Ba 2015, arXiv:1412.6980, algorithm 1.
    """

    learning_rate: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    rule: ClassVar[str] = "adam"  # the stage in engines/numba/compiled/updates.py

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        _share(self.beta1, "beta1")
        _share(self.beta2, "beta2")

    @property
    def constants(self) -> tuple[float, ...]:
        """The rule's constants, in the order in which the compiled step reads them."""
        return (self.beta1, self.beta2, self.epsilon, 0.0)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay.

    Parameters
    ----------
    weight_decay : float
        Share of each parameter that is taken off per step, times the learning rate.

    References
    ----------
    Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weight_decay < 0:
            raise InputError(f"weight_decay must not be negative, not {self.weight_decay!r}")

    @property
    def constants(self) -> tuple[float, ...]:
        """The rule's constants, in the order in which the compiled step reads them."""
        return (self.beta1, self.beta2, self.epsilon, self.weight_decay)


@dataclass(frozen=True)
class RMSprop:
    """RMSprop.

    Parameters
    ----------
    learning_rate : float or schedule
        Step size.
    rho : float
        Decay of the mean squared gradient.
    epsilon : float
        Added to its root.
    momentum : float
        Share of the last step that is kept.

    References
    ----------
    Tieleman and Hinton 2012, Coursera lecture 6.5.
    """

    learning_rate: float | Schedule = 0.001
    rho: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0
    rule: ClassVar[str] = "rmsprop"  # the stage in engines/numba/compiled/updates.py

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        _share(self.rho, "rho")
        _share(self.momentum, "momentum")

    @property
    def constants(self) -> tuple[float, ...]:
        """The rule's constants, in the order in which the compiled step reads them."""
        return (self.rho, self.epsilon, self.momentum)


@dataclass(frozen=True)
class Adagrad:
    """Adagrad.

    Parameters
    ----------
    learning_rate : float or schedule
        Step size.
    epsilon : float
        Added to the root of the sum of squared gradients.
    initial_accumulator : float
        What that sum starts from.

    References
    ----------
    Duchi et al. 2011, JMLR 12.
    """

    learning_rate: float | Schedule = 0.01
    epsilon: float = 1e-10
    initial_accumulator: float = 0.0
    rule: ClassVar[str] = "adagrad"  # the stage in engines/numba/compiled/updates.py

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        if self.initial_accumulator < 0:
            raise InputError(f"initial_accumulator must not be negative, not {self.initial_accumulator!r}")

    @property
    def constants(self) -> tuple[float, ...]:
        """The rule's constants, in the order in which the compiled step reads them."""
        return (self.epsilon, self.initial_accumulator)


@dataclass(frozen=True)
class Adadelta:
    """Adadelta.

    Parameters
    ----------
    learning_rate : float or schedule
        Factor on the rule's own step.
    rho : float
        Decay of the means of squared gradient and squared step.
    epsilon : float
        Added to both means.

    References
    ----------
    Zeiler 2012, arXiv:1212.5701, algorithm 1.
    """

    learning_rate: float | Schedule = 1.0
    rho: float = 0.9
    epsilon: float = 1e-6
    rule: ClassVar[str] = "adadelta"  # the stage in engines/numba/compiled/updates.py

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        _share(self.rho, "rho")

    @property
    def constants(self) -> tuple[float, ...]:
        """The rule's constants, in the order in which the compiled step reads them."""
        return (self.rho, self.epsilon)


@dataclass(frozen=True)
class Adamax(Adam):
    """Adam with the largest instead of the mean squared gradient.

    The parameters are those of `Adam`; `epsilon` is added to the size of each gradient.

    References
    ----------
    Kingma and Ba 2015, arXiv:1412.6980, algorithm 2.
    """

    learning_rate: float | Schedule = 0.002
    rule: ClassVar[str] = "adamax"  # the stage in engines/numba/compiled/updates.py


@dataclass(frozen=True)
class Nadam(Adam):
    """Adam with Nesterov's momentum, which grows over the steps as in Keras and PyTorch.

    The parameters are those of `Adam`.

    References
    ----------
    Dozat 2016, "Incorporating Nesterov momentum into Adam", algorithm 8.
    """

    learning_rate: float | Schedule = 0.002
    rule: ClassVar[str] = "nadam"  # the stage in engines/numba/compiled/updates.py


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS on all rows at once, through SciPy; for small data and exact minima.

    Parameters
    ----------
    memory : int
        How many corrections are kept.
    gradient_tolerance : float
        It stops when no entry of the gradient is larger.
    most_evaluations : int
        It stops after so many evaluations of the loss.

    References
    ----------
    Byrd et al. 1995, SIAM J. Sci. Comput. 16(5).
    """

    memory: int = 10
    gradient_tolerance: float = 1e-6
    most_evaluations: int = sys.maxsize

    def __post_init__(self) -> None:
        if self.memory < 1:
            raise InputError(f"memory of LBFGS must be at least 1, not {self.memory!r}")
        if self.most_evaluations < 1:
            raise InputError(f"most_evaluations of LBFGS must be at least 1, not {self.most_evaluations!r}")


SteppingOptimizer: TypeAlias = SGD | Adam | AdamW | Adamax | Nadam | RMSprop | Adagrad | Adadelta
Optimizer: TypeAlias = SteppingOptimizer | LBFGS

_BY_NAME: dict[str, Optimizer] = {
    "sgd": SGD(), "adam": Adam(), "adamw": AdamW(), "adamax": Adamax(), "nadam": Nadam(), "rmsprop": RMSprop(),
    "adagrad": Adagrad(), "adadelta": Adadelta(), "lbfgs": LBFGS(),
}  # fmt: skip


def names() -> list[str]:
    """Return the names of all optimisers, sorted."""
    return sorted(_BY_NAME)


def optimizer(what: str | Optimizer, learning_rate: float | Schedule | None = None) -> Optimizer:
    """Get an optimiser by name.

    >>> optimizer("adam", 0.01).learning_rate
    0.01
    """
    if isinstance(what, str):
        if what.lower() not in _BY_NAME:
            raise InputError(f"unknown optimizer {what!r}; {suggest(what, _BY_NAME, noun='optimizers')}")
        found = _BY_NAME[what.lower()]
    elif isinstance(what, SteppingOptimizer | LBFGS):
        found = what
    else:
        raise InputError(f"an optimizer is a name or a record such as aw.Adam(0.01), not {what!r}")
    if learning_rate is None:
        return found
    if isinstance(found, LBFGS):
        raise InputError("lbfgs finds its own step length; leave the learning rate out")
    return replace(found, learning_rate=learning_rate)
