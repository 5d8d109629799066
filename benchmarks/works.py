"""What is timed: a record per work, and one file of data, weights and orders that every peer reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

import actwise as aw  # light: what a peer does not use is not loaded

SEED = 0
JUDGED_AT_ONCE = 100_000  # rows: ten million in float64 would need 10 GB
ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
XOR_ROWS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
TRAINERS = ("actwise", "jax", "torch", "torch.compile", "scikit-learn")


@dataclass(frozen=True)
class Work:
    """One row of the table.

    Parameters
    ----------
    name : str
        Short, for the command line.
    sizes : tuple of int
        Widths, input first.
    hidden, output : str
        Activations; the loss is categorical cross-entropy after softmax, half the squared error otherwise.
    rows, batch : int
        Rows of data and of a step.
    repeats, slow_repeats : int
        Epochs (or calls of predict) in one timing, for fast and for slow peers.
    peers : tuple of str
        Who takes part; see `training.PEERS`.
    aims : dict
        How many times faster than each peer Actwise means to be.
    adam : bool
        Adam, or plain gradient descent.
    rate : float
        Learning rate.
    networks, slow_networks : int
        How many networks are trained, by fast and by slow peers.
    kind : str
        What is done.
    limit : float
        Aimed-at share of the speed that the matrix products alone would allow; 0 for none.
    seconds : float
        Aimed-at time of one unit; 0 for none.
    """

    name: str
    sizes: tuple[int, ...]
    hidden: str
    output: str
    rows: int
    batch: int
    repeats: int
    slow_repeats: int
    peers: tuple[str, ...]
    aims: dict[str, float] = field(default_factory=dict)
    adam: bool = True
    rate: float = 0.001
    networks: int = 1
    slow_networks: int = 1
    kind: Literal["train", "predict"] = "train"
    limit: float = 0.0
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """Steps of one epoch of one network; 1 for a prediction."""
        return -(-self.rows // self.batch) if self.kind == "train" else 1

    @property
    def loss(self) -> str:
        """The loss by Actwise's name."""
        return "categorical_cross_entropy" if self.output == "softmax" else "squared_error"

    @property
    def title(self) -> str:
        """The work in words."""
        shape = "-".join(map(str, self.sizes))
        if self.kind == "predict":
            return f"predict {self.rows:,} row{'s' * (self.rows > 1)}, {shape}, {self.hidden}"
        many = f"{self.networks:,} networks " if self.networks > 1 else ""
        rule = "Adam" if self.adam else "SGD"
        return f"{many}{shape}, {self.hidden}, {rule}, batch {self.batch}, {self.rows:,} rows"


def _xor(hidden: str) -> Work:
    aims = {"jax": 1.5, "numpy": 300, "torch": 3000, "scikit-learn": 3000}
    peers = ("actwise", "jax", "numpy", "torch", "scikit-learn")
    return Work(f"xor-{hidden}", (2, 2, 1), hidden, hidden, 4, 1, 125_000, 250, peers, aims, adam=False, rate=0.1)


def _medium(hidden: str, batch: int, jax: float, others: float) -> Work:
    peers = TRAINERS if hidden != "gelu" else tuple(peer for peer in TRAINERS if peer != "scikit-learn")
    aims = {"jax": jax, **dict.fromkeys(peers[2:], others)}
    repeats = 8 if batch == 32 else 12
    return Work(
        f"medium-{hidden}-{batch}",
        (20, 64, 64, 2),
        hidden,
        "softmax",
        50_000,
        batch,
        repeats,
        1,
        ("limit", *peers),
        aims,
    )


WORKS: tuple[Work, ...] = (
    _xor("tanh"),
    _xor("sigmoid"),
    Work(
        "regression", (8, 16, 1), "tanh", "identity", 1000, 16, 1000, 20, ("limit", *TRAINERS),
        {"jax": 3, "torch": 30, "torch.compile": 30, "scikit-learn": 30},
    ),
    *(_medium(hidden, 32, 2, 20) for hidden in ("relu", "tanh", "gelu")),
    *(_medium(hidden, 256, 1.5, 5) for hidden in ("relu", "tanh", "gelu")),
    Work(
        "large", (784, 256, 128, 10), "relu", "softmax", 20_000, 128, 2, 1, ("limit", *TRAINERS),
        dict.fromkeys(TRAINERS[1:], 1.2), limit=0.75,
    ),
    Work(
        "population", (20, 32, 2), "relu", "softmax", 2000, 32, 2, 1, ("limit", "actwise", "jax", "scikit-learn"),
        {"jax": 5, "scikit-learn": 50}, networks=200, slow_networks=8,
    ),
    Work(
        "tiny-population", (2, 4, 1), "tanh", "sigmoid", 4, 4, 1000, 10, ("actwise", "jax"),
        {"jax": 20}, rate=0.01, networks=1000, slow_networks=10,
    ),
    Work(
        "predict-row", (20, 64, 64, 2), "relu", "softmax", 1, 1, 2000, 2000,
        ("actwise", "estimator", "jax", "torch", "scikit-learn"), {"scikit-learn": 3}, kind="predict", seconds=10e-6,
    ),
    Work(
        "predict-million", (20, 64, 64, 2), "relu", "softmax", 1_000_000, 1_000_000, 1, 1,
        ("limit", "actwise", "jax", "torch", "scikit-learn"),
        {"jax": 1.5, "torch": 1.5, "scikit-learn": 1.5}, kind="predict",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Given:
    """What every peer gets: rows, targets, each network's first weights, and each network's order of rows.

    ``weights[k]`` is a list of (weights (n_inputs, n_units), biases (n_units,)) of network k, float32;
    ``orders[k]`` has the shape (epochs, rows); targets are float32 (rows, outputs), or class indices int64 (rows,).
    """

    X: np.ndarray
    y: np.ndarray
    weights: list[list[tuple[np.ndarray, np.ndarray]]]
    orders: np.ndarray


def network(work: Work, seed: int = SEED) -> aw.Network:
    """Return the network of a work with its first weights."""
    widths = [*work.sizes[1:-1]]
    layers = [*(aw.Dense(width, work.hidden) for width in widths), aw.Dense(work.sizes[-1], work.output)]
    return aw.Network(layers, n_inputs=work.sizes[0]).initialised(seed)


def seeds(work: Work) -> list[int]:
    """Return the seed of each network."""
    return [SEED + k for k in range(work.networks)]


def data(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and targets: XOR, or what a random network says of normal rows."""
    if work.rows == len(XOR_ROWS) and work.sizes[0] == 2:
        return XOR_ROWS, np.array([[0], [1], [1], [0]], np.float32)
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((work.rows, work.sizes[0]), np.float32)
    hidden = np.tanh(X @ rng.standard_normal((work.sizes[0], 16), np.float32) / np.sqrt(work.sizes[0]))
    told = hidden @ rng.standard_normal((16, work.sizes[-1]), np.float32)
    noisy = told + 0.5 * rng.standard_normal(told.shape, np.float32)
    return X, noisy.argmax(1) if work.output == "softmax" else noisy


def orders(work: Work, epochs: int) -> np.ndarray:
    """Return the orders of rows that Actwise draws, from its own compiled generator: (networks, epochs, rows)."""
    from actwise.engines.numba import build, engine

    shuffle = build.compiled("randomness", "float32").shuffle
    found = np.empty((work.networks, epochs, work.rows), np.int32)
    for k, seed in enumerate(seeds(work)):
        order, state = np.arange(work.rows), engine.random_state(seed)
        for epoch in range(epochs):
            shuffle(order, state)
            found[k, epoch] = order
    return found


def write(work: Work, folder: Path) -> None:
    """Write what all peers read."""
    X, y = data(work)
    drawn = [network(work, seed) for seed in seeds(work)]
    flat = {
        f"{part}{layer}": np.stack([(net.weights if part == "W" else net.biases)[layer] for net in drawn])
        for layer in range(len(work.sizes) - 1)
        for part in "Wb"
    }
    epochs = max(work.repeats, work.slow_repeats) if work.kind == "train" else 0
    np.savez(folder / "given.npz", X=X, y=y, orders=orders(work, epochs), **flat)
    (folder / "work.json").write_text(json.dumps(asdict(work)), "utf-8")


def read(folder: Path) -> tuple[Work, Given]:
    """Read them, in a peer's process."""
    fields: dict[str, Any] = json.loads((folder / "work.json").read_text("utf-8"))
    work = Work(**fields | {"sizes": tuple(fields["sizes"]), "peers": tuple(fields["peers"])})
    with np.load(folder / "given.npz") as file:
        held = dict(file)
    layers = range(len(work.sizes) - 1)
    weights = [[(held[f"W{i}"][k], held[f"b{i}"][k]) for i in layers] for k in range(work.networks)]
    return work, Given(held["X"], held["y"], weights, held["orders"])


def outputs(work: Work, weights: list[tuple[np.ndarray, np.ndarray]], X: np.ndarray) -> np.ndarray:
    """Compute a network's outputs in float64 with NumPy: the judge of all peers."""
    a = X.astype(np.float64)
    for i, (W, b) in enumerate(weights):
        name = work.hidden if i < len(weights) - 1 else work.output
        z = a @ W.astype(np.float64) + b
        a = aw.activation(name)(z)
    return a


def final_loss(work: Work, given: Given, weights: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the mean loss of trained weights over all rows, some of them at a time."""
    total = 0.0
    for first in range(0, len(given.X), JUDGED_AT_ONCE):
        told = outputs(work, weights, given.X[first : first + JUDGED_AT_ONCE])
        wanted = given.y[first : first + JUDGED_AT_ONCE]
        if work.output == "softmax":
            total -= float(np.log(told[np.arange(len(told)), wanted]).sum())
        else:
            total += float(((told - wanted) ** 2).sum()) / 2
    return total / len(given.X)
