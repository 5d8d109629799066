"""What is compared: an arm is an activation, some settings, or any estimator, made into an unfitted estimator."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from actwise.activations import Activation, AnyActivation, activation
from actwise.errors import InputError, suggest
from actwise.formula.expression import walk

USUAL = ("relu", "tanh", "gelu", "silu", "elu", "sigmoid")  # where no activations are named
LARGEST_FORMULA = 1e6
ArmSpec: TypeAlias = "str | AnyActivation | Sequence[Any] | Mapping[str, Any] | Any"


@dataclass(frozen=True, eq=False)
class Arm:
    """One of the things that are compared.

    Parameters
    ----------
    name : str
        What it is called.
    estimator : estimator
        Unfitted; its seed is set for each training.
    formula_size : float
        Operations in the formulas of its activations; infinite for estimators of others. Of arms that cannot be told
        apart the one with the simplest activation is recommended.
    """

    name: str
    estimator: Any
    formula_size: float

    @property
    def has_seed(self) -> bool:
        """Whether a training depends on a seed."""
        return "random_state" in self.estimator.get_params(deep=False)

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the arm trains with."""
        return hashlib.sha256(json.dumps(describe(self.estimator), sort_keys=True).encode()).hexdigest()[:16]


def make_arms(
    given: Mapping[str, ArmSpec] | Sequence[ArmSpec], *, classifies: bool, settings: Mapping[str, Any]
) -> list[Arm]:
    """Turn what was handed in into arms with different names; `settings` are those that all networks share."""
    if isinstance(given, str) or not isinstance(given, Mapping | Sequence):
        raise InputError(f"arms must be a list or a dictionary of name to arm, not {given!r}")
    named = list(given.items()) if isinstance(given, Mapping) else [(name_of(each), each) for each in given]
    if len(named) < 2:
        raise InputError(f"a comparison needs two arms at least, not {len(named)}: add another activation or setting")
    arms = [_make(str(name), each, classifies, settings) for name, each in named]
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two arms are called {name!r}: leave one out, or give a dictionary with a name for each")
    if not isinstance(given, Mapping):
        seen: dict[str, str] = {}
        for arm in arms:
            same = seen.setdefault(arm.fingerprint, arm.name)
            if same != arm.name:
                raise InputError(
                    f"the arms {same!r} and {arm.name!r} are the same thing: leave one out, or give a dictionary with "
                    "a name for each to compare them all the same"
                )
    return arms


def name_of(arm: ArmSpec) -> str:
    """Name an arm that was given without a name."""
    if isinstance(arm, str):
        return arm
    if isinstance(arm, Mapping):
        return ", ".join(f"{key}={_short(value)}" for key, value in arm.items()) or "defaults"
    if _is_estimator(arm):
        return _estimator_name(arm)
    if isinstance(arm, Sequence):
        return "-".join(map(name_of, arm))
    name = getattr(arm, "name", None)
    if name is None:
        raise InputError(
            f"an arm is an activation, a dictionary of settings or an estimator, not {arm!r}: "
            "give one of these, or a dictionary of name to arm"
        )
    values = ", ".join(f"{key}={value:g}" for key, value in getattr(arm, "values", {}).items())
    return f"{name}({values})" if values else str(name)


def _short(value: Any) -> str:
    return getattr(value, "name", None) or (value if isinstance(value, str) else repr(value))


def _estimator_name(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    return type(steps[-1][1] if steps else estimator).__name__


def _is_estimator(arm: object) -> bool:
    return hasattr(arm, "fit") and hasattr(arm, "predict") and hasattr(arm, "get_params") and not isinstance(arm, type)


def _make(name: str, arm: Any, classifies: bool, shared: Mapping[str, Any]) -> Arm:
    from sklearn.base import clone, is_classifier

    from actwise.estimators import MLPClassifier, MLPRegressor

    if _is_estimator(arm):
        if is_classifier(arm) != classifies:
            task = "classification" if classifies else "regression"
            raise InputError(f"arm {name!r} is a {type(arm).__name__}, which does not fit this task, a {task}")
        ours = isinstance(arm, MLPClassifier | MLPRegressor)
        return Arm(name, clone(arm), _formula_size(name, arm.activation) if ours else math.inf)
    settings = dict(arm) if isinstance(arm, Mapping) else {"activation": arm}
    for key in shared:
        if key in settings:
            raise InputError(f"arm {name!r} sets {key!r}, which the settings of all arms set too: set it in one place")
    estimator = (MLPClassifier if classifies else MLPRegressor)()
    known = estimator.get_params(deep=False)
    for key in (*settings, *shared):
        if key not in known:
            raise InputError(f"arm {name!r}: no setting is called {key!r}; {suggest(key, known, noun='settings')}")
    estimator.set_params(**shared, **settings)
    return Arm(name, estimator, _formula_size(name, estimator.activation))


def _formula_size(name: str, given: Any) -> float:
    """Count the operations of an activation's formula, which it also checks."""
    several = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    try:
        found = [activation(each) for each in several]
    except InputError as error:
        raise InputError(f"arm {name!r}: {error}") from error
    return float(sum(_size(each) for each in found))


def _size(found: AnyActivation) -> float:
    """Nodes in the formulas of value and derivative; activations of several numbers count as larger than any other."""
    if not isinstance(found, Activation):
        return LARGEST_FORMULA
    return float(sum(1 for each in (found.expression, found.derivative_expression) for _ in walk(each)))


def describe(value: Any) -> Any:
    """Turn an estimator or a parameter into plain data that says all that it computes with."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        kind = type(value)
        return {"class": f"{kind.__module__}.{kind.__qualname__}"} | {
            key: describe(each) for key, each in sorted(value.get_params(deep=False).items())
        }
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float | np.floating):
        return float(value).hex()
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.ndarray):
        return [value.dtype.str, value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
    if isinstance(value, Mapping):
        return {str(key): describe(each) for key, each in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [describe(each) for each in value]
    return repr(value)
