"""Which activation is at fault where a network's outputs or slopes are not finite from the start."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation, AnyActivation
from actwise.activations.accuracy import advice, inaccuracies
from actwise.model import oracle as reference
from actwise.model.network import Network

ROWS = 1000  # that are looked at


def activation_at_fault(network: Network, X: npt.ArrayLike) -> str | None:
    """Name the first activation that makes numbers that are not finite from finite ones.

    Shapes: `X` (n_rows, n_inputs).
    Result: A sentence without a full stop; None where it is no activation's fault.

    >>> import warnings
    >>> import actwise as aw
    >>> with warnings.catch_warnings(action="ignore"):
    ...     net = aw.Network([aw.Dense(1, "log(x)")], n_inputs=1)
    >>> activation_at_fault(net.with_parameters([1, 0]), [[-1.0], [1.0]])
    "the activation 'log(x)' of layer 1 is not a finite number for 50% of what reaches it; say what it is there, such as
    where(x > 0, log(x), 0)"
    """
    rows = network.check_inputs(X)[:ROWS].astype(np.float64)
    with np.errstate(all="ignore"):
        passed = reference.forward(network.structure, network.values.astype(np.float64), rows, learns=len(rows) > 1)
    for index, (layer, (inputs, reaching, outputs)) in enumerate(zip(network.computed_layers, passed, strict=True)):
        if not (np.isfinite(inputs).all() and np.isfinite(reaching).all()):
            return None  # products and sums overflowed
        what, result = layer.activation, "activation"
        bad = ~np.isfinite(outputs)
        if isinstance(what, Activation) and not bad.any():
            bad, result = ~np.isfinite(what.derivative(reaching)), "slope of the activation"
        if what is not None and bad.any():
            return (
                f"the {result} {what.name!r} of layer {index + 1} is not a finite number for {bad.mean():.0%} of what "
                f"reaches it; {_remedy(what)}"
            )
    return None


def _remedy(what: AnyActivation) -> str:
    found = inaccuracies(what) if isinstance(what, Activation) and what.claims is None else ()
    if isinstance(what, Activation) and any(each.kind == "gap" for each in found):
        return advice(what, found)
    return "use one that does not overflow, or inputs of moderate size"
