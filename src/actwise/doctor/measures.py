"""What happens inside a network: arrays in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actwise.activations import Activation
from actwise.doctor.data import Data
from actwise.doctor.setup import Outcome, Setup
from actwise.model import oracle
from actwise.model.network import Network

MOST_ROWS = 500  # a sample tells as much, and these passes are plain NumPy
FLAT_SHARE = 0.05  # of its steepest slope: where an activation is flatter it is called saturated
VANISHING = 1e-3  # gradient of the first layer with weights as a share of the last one's
MANY_DEAD, MANY_SATURATED = 0.5, 0.8  # shares of a layer
STILL = 0.01  # share of their size by which weights have to move for anything to be learned
FALLING = 0.02  # share by which the loss falls over the last tenth of the epochs
RISING, JUMPING = 0.25, 0.1  # share of the later epochs in which the loss rises, and by how much of itself
FEWEST_EPOCHS = 10  # for anything to be said about jumps
PROBES = np.linspace(-20.0, 20.0, 4001)  # where an activation's steepest slope is looked for


@dataclass(frozen=True)
class LayerMeasures:
    """How one layer with weights does."""

    layer: int  # its place, counted from 1
    activation: str
    dead: float  # share of its units whose slope is 0 for every row
    saturated: float  # share of its values at which a bounded activation is nearly flat
    deviation: float  # of its outputs over rows; reported only
    gradient: float  # root mean square over its weights
    moved: float  # how far training brought its weights, as a share of their initial size


@dataclass(frozen=True)
class Course:
    """How the loss went."""

    late_fall: float = 0.0  # share of itself, over the last tenth of the epochs
    rises: float = 0.0  # share of the epochs of the second half
    jump: float = 0.0  # by how much of itself it rises there on average
    gained: float = 0.0  # share of the first loss, in all; reported only
    plateau: float = 0.0  # share of the epochs before a tenth of that was gained; reported only

    @property
    def falls(self) -> bool:
        """Whether it still falls at the end."""
        return self.late_fall > FALLING and not self.jumps

    @property
    def jumps(self) -> bool:
        """Whether it jumps up and down."""
        return self.rises > RISING and self.jump > JUMPING


def course(losses: npt.NDArray[np.float64]) -> Course:
    """Describe how a loss went, epoch by epoch."""
    losses = losses[np.isfinite(losses)]
    if len(losses) < 3:
        return Course()
    losses = losses / max(
        float(np.abs(losses).max()), np.finfo(float).tiny
    )  # only shares count, and squares stay finite
    sizes = np.maximum(np.abs(losses), np.finfo(float).tiny)
    tail = losses[-max(2, len(losses) // 10) :]
    slope = float(np.polyfit(np.arange(len(tail)), tail, 1)[0])  # of a line through them: a jump is no fall
    late = losses[len(losses) // 2 :]
    steps = np.diff(late) / sizes[len(losses) // 2 : -1]
    up = steps[steps > 0]
    enough = len(losses) >= FEWEST_EPOCHS
    best = losses[0] - np.minimum.accumulate(losses)
    gained = float(best[-1])
    slow = float(np.argmax(best >= 0.1 * gained) / len(losses)) if gained > 0 else 1.0
    return Course(
        -slope * (len(tail) - 1) / float(max(abs(tail[0]), np.finfo(float).tiny)),
        len(up) / len(steps) if enough else 0.0, float(up.mean()) if enough and len(up) else 0.0,
        gained / float(sizes[0]), slow,
    )  # fmt: skip


@dataclass(frozen=True)
class Measures:
    """How all layers do, input side first, and how the loss went."""

    layers: tuple[LayerMeasures, ...]
    course: Course = Course()

    @property
    def most_moved(self) -> float:
        """How far the layer that moved most was brought."""
        return max(each.moved for each in self.layers)

    @property
    def gradient_ratio(self) -> float:
        """Gradient of the first layer as a share of the last one's; NaN where there is no gradient."""
        first, last = self.layers[0].gradient, self.layers[-1].gradient
        return first / last if last > 0 else float("nan")

    @property
    def most_dead(self) -> LayerMeasures:
        """The hidden layer with the largest share of dead units, or the only layer."""
        return max(self.layers[:-1] or self.layers, key=lambda each: each.dead)

    def most_saturated(self, *, output: bool) -> LayerMeasures | None:
        """The layer with the largest share of saturated values, the output layer among them or not."""
        return max(self.layers if output else self.layers[:-1], key=lambda each: each.saturated, default=None)


def steepest_slope(activation: Activation) -> float:
    """Return the largest slope of an activation on ±20."""
    return float(np.nanmax(np.abs(activation.derivative(PROBES))))


def measure(setup: Setup, outcome: Outcome, data: Data) -> Measures:
    """Measure a network after a training, on the training rows."""
    network = outcome.network
    rows = data.train[:: max(1, len(data.train) // MOST_ROWS)][:MOST_ROWS]
    X = setup.inputs(data)[rows].astype(np.float64)
    targets = setup.targets(data)[0][rows].astype(np.float64)
    parameters = network.values.astype(np.float64)
    start = network.drawn(outcome.seed).astype(np.float64) if not setup.keep_parameters else setup.network.values
    loss = setup.loss.for_engine(network.n_outputs)
    with np.errstate(all="ignore"):
        passed = oracle.forward(network.structure, parameters, X)
        _, gradient = oracle.loss_and_gradient(network.structure, parameters, X, targets, loss)
    places = [index for index, layer in enumerate(network.layers) if layer in network.computed_layers]
    found = []
    for index, (shape, layer, (_, z, y)) in enumerate(
        zip(network.structure, network.computed_layers, passed, strict=True)
    ):
        if not shape.n_weights:
            continue
        dead, saturated = _flatness(layer.activation, z)
        weights = slice(shape.weights_at, shape.weights_at + shape.n_weights)
        own, initial = gradient[weights], float(np.linalg.norm(start[weights]))
        way = float(np.linalg.norm(parameters[weights] - start[weights]))
        with np.errstate(all="ignore"):
            found.append(
                LayerMeasures(
                    places[index] + 1,
                    layer.activation.name if layer.activation is not None else "maxout",
                    dead,
                    saturated,
                    float(np.sqrt(np.mean(y.var(axis=0)))),
                    float(np.sqrt(np.mean(own**2))),
                    way / initial if initial > 0 else float(way > 0),
                )
            )
    return Measures(tuple(found), course(outcome.losses))


def outputs_of_layers(setup: Setup, network: Network, data: Data) -> list[npt.NDArray[np.float64]]:
    """Return the outputs of each layer with weights for some training rows."""
    X = setup.inputs(data)[data.train[:MOST_ROWS]].astype(np.float64)
    with np.errstate(all="ignore"):
        passed = oracle.forward(network.structure, network.values.astype(np.float64), X)
    return [y for shape, (_, _, y) in zip(network.structure, passed, strict=True) if shape.n_weights]


def _flatness(activation: object, z: npt.NDArray[np.float64]) -> tuple[float, float]:
    if not isinstance(activation, Activation) or not np.all(np.isfinite(z)):
        return 0.0, 0.0
    with np.errstate(all="ignore"):
        slopes = np.abs(activation.derivative(z))
    dead = float(np.mean(np.all(slopes == 0, axis=0)))
    bounded = all(np.isfinite(activation.range))
    saturated = float(np.mean(slopes < FLAT_SHARE * steepest_slope(activation))) if bounded else 0.0
    return dead, saturated
