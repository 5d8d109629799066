"""What happens inside a network: arrays in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation
from actwise.doctor.subjects import Data, Subject
from actwise.kernels import reference
from actwise.network import Network

MOST_ROWS = 500  # a sample tells as much, and these passes are plain NumPy
FLAT_SHARE = 0.05  # of its steepest slope: where an activation is flatter it is called saturated
VANISHING = 1e-3  # gradient of the first layer with weights as a share of the last one's
MANY_DEAD, MANY_SATURATED = 0.5, 0.8  # shares of a layer
PROBES = np.linspace(-20.0, 20.0, 4001)  # where an activation's steepest slope is looked for


@dataclass(frozen=True)
class LayerMeasures:
    """How one layer does.

    Parameters
    ----------
    layer : int
        Its place among the network's layers, counted from 1.
    activation : str
        Its activation.
    dead : float
        Share of its units whose slope is 0 for every row.
    saturated : float
        Share of its values at which a bounded activation is nearly flat.
    deviation : float
        Standard deviation of its outputs over rows.
    gradient : float
        Root mean square of the loss's gradient by its weights.
    """

    layer: int
    activation: str
    dead: float
    saturated: float
    deviation: float
    gradient: float


@dataclass(frozen=True)
class Measures:
    """How all layers do, input side first."""

    layers: tuple[LayerMeasures, ...]

    @property
    def gradient_ratio(self) -> float:
        """Gradient of the first layer as a share of the last one's; NaN where there is no gradient."""
        first, last = self.layers[0].gradient, self.layers[-1].gradient
        return first / last if last > 0 else float("nan")

    @property
    def most_dead(self) -> LayerMeasures:
        """The hidden layer with the largest share of dead units, or the only layer."""
        return max(self.layers[:-1] or self.layers, key=lambda each: each.dead)

    @property
    def most_saturated(self) -> LayerMeasures:
        """The layer with the largest share of saturated values."""
        return max(self.layers, key=lambda each: each.saturated)


def steepest_slope(activation: Activation) -> float:
    """Return the largest slope of an activation on ±20."""
    return float(np.nanmax(np.abs(activation.derivative(PROBES))))


def measure(subject: Subject, network: Network, data: Data) -> Measures:
    """Measure a network with its present parameters on the training rows.

    Parameters
    ----------
    subject : Subject
        How it is trained.
    network : Network
        It, with the parameters to look at.
    data : Data
        The rows.
    """
    rows = data.train[:: max(1, len(data.train) // MOST_ROWS)][:MOST_ROWS]
    X = subject.inputs(data)[rows].astype(np.float64)
    targets = subject.targets(data)[0][rows].astype(np.float64)
    parameters = network.values.astype(np.float64)
    loss = subject.loss.for_engine(network.n_outputs)
    with np.errstate(all="ignore"):
        passed = reference.forward(network.structure, parameters, X)
        _, gradient = reference.loss_and_gradient(network.structure, parameters, X, targets, loss)
    places = [index for index, layer in enumerate(network.layers) if layer in network.computed_layers]
    found = []
    for index, (shape, layer, (_, z, y)) in enumerate(
        zip(network.structure, network.computed_layers, passed, strict=True)
    ):
        if not shape.n_weights:
            continue
        dead, saturated = _flatness(layer.activation, z)
        own = gradient[shape.weights_at : shape.weights_at + shape.n_weights]
        with np.errstate(all="ignore"):
            found.append(
                LayerMeasures(
                    places[index] + 1,
                    layer.activation.name if layer.activation is not None else "maxout",
                    dead,
                    saturated,
                    float(np.sqrt(np.mean(y.var(axis=0)))),
                    float(np.sqrt(np.mean(own**2))),
                )
            )
    return Measures(tuple(found))


def _flatness(activation: object, z: npt.NDArray[np.float64]) -> tuple[float, float]:
    if not isinstance(activation, Activation) or not np.all(np.isfinite(z)):
        return 0.0, 0.0
    with np.errstate(all="ignore"):
        slopes = np.abs(activation.derivative(z))
    dead = float(np.mean(np.all(slopes == 0, axis=0)))
    bounded = all(np.isfinite(activation.range))
    saturated = float(np.mean(slopes < FLAT_SHARE * steepest_slope(activation))) if bounded else 0.0
    return dead, saturated
