"""scikit-learn's multilayer perceptrons as networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from actwise.errors import InputError
from actwise.model.layers import Dense
from actwise.model.network import Network

# scikit-learn's names of hidden and output activations that are not ours.
_NAMES = {"logistic": "sigmoid"}


def network_from_sklearn(model: Any) -> Network:
    """Take over a fitted perceptron; see `actwise.from_sklearn`."""
    from sklearn.exceptions import NotFittedError
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.utils.validation import check_is_fitted

    if not isinstance(model, MLPClassifier | MLPRegressor):
        raise InputError(
            f"from_sklearn takes a fitted MLPClassifier or MLPRegressor, not {_name(model)}; of a pipeline take its "
            "last step, such as pipeline[-1], and give the network what the steps before it make"
        )
    try:
        check_is_fitted(model, "coefs_")
    except NotFittedError as error:
        raise InputError(f"this {_name(model)} has not been fitted yet; call its fit first") from error
    dtype = np.result_type(*model.coefs_, *model.intercepts_).name
    hidden = [model.activation] * (len(model.coefs_) - 1)
    activations = [_activation(each) for each in (*hidden, model.out_activation_)]
    layers = [Dense(weights.shape[1], each) for weights, each in zip(model.coefs_, activations, strict=True)]
    network = Network(layers, model.coefs_[0].shape[0], dtype=dtype if dtype == "float32" else "float64")
    pairs = zip(model.coefs_, model.intercepts_, strict=True)
    return network.with_parameters(np.concatenate([np.ravel(each) for pair in pairs for each in pair]))


def _activation(name: str) -> str:
    from actwise.activations import entry

    found = _NAMES.get(name, name)
    if entry(found) is None:
        raise InputError(f"Actwise has no activation that scikit-learn calls {name!r}")
    return found


def _name(model: object) -> str:
    return model.__name__ + " (a class)" if isinstance(model, type) else type(model).__name__
