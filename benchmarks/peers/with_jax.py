"""JAX: all epochs in one jitted ``lax.scan``; populations by ``vmap`` over weights and orders."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from works import ADAM, Given, Work

ACTIVATIONS = {
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "identity": lambda x: x,
    "softmax": lambda x: x,  # part of the loss
}


UNROLL = {"regression": 4}  # where it was faster than 1; elsewhere slower or the same


def _forward(work: Work, weights: Any, a: Any) -> Any:
    for i, (W, b) in enumerate(weights):
        a = ACTIVATIONS[work.hidden if i < len(weights) - 1 else work.output](a @ W + b)
    return a


def _loss(work: Work, weights: Any, x: Any, t: Any) -> Any:
    out = _forward(work, weights, x)
    if work.output == "softmax":
        return -jnp.take_along_axis(jax.nn.log_softmax(out), t[:, None], 1).mean()
    return ((out - t) ** 2).sum(1).mean() / 2


def _update(work: Work, weights: Any, gradients: Any, state: Any) -> tuple[Any, Any]:
    if not work.adam:
        return jax.tree.map(lambda w, g: w - work.rate * g, weights, gradients), state
    beta1, beta2, epsilon = ADAM["beta1"], ADAM["beta2"], ADAM["epsilon"]
    first, second, count = state
    count += 1
    first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, second, gradients)
    scale, unbias = work.rate / (1 - beta1**count), 1 / jnp.sqrt(1 - beta2**count)
    weights = jax.tree.map(
        lambda w, m, v: w - scale * m / (jnp.sqrt(v) * unbias + epsilon), weights, first, second
    )  # fmt: skip
    return weights, (first, second, count)


def _train(work: Work, X: Any, y: Any, weights: Any, orders: Any) -> tuple[Any, Any]:
    """Train one network for ``len(orders)`` epochs; return weights and losses."""

    def step(carry: Any, rows: Any) -> tuple[Any, Any]:
        weights, state = carry
        loss, gradients = jax.value_and_grad(partial(_loss, work))(weights, X[rows], y[rows])
        return _update(work, weights, gradients, state), loss

    zeros = jax.tree.map(jnp.zeros_like, weights)
    carry = (weights, (zeros, zeros, jnp.float32(0)) if work.adam else ())
    unroll = UNROLL.get(work.name, 1)
    whole = work.rows // work.batch * work.batch
    if whole == work.rows:  # one flat scan over all steps of all epochs
        carry, losses = lax.scan(step, carry, orders.reshape(-1, work.batch), unroll=unroll)
    else:

        def epoch(carry: Any, order: Any) -> tuple[Any, Any]:
            carry, losses = lax.scan(step, carry, order[:whole].reshape(-1, work.batch), unroll=unroll)
            return step(carry, order[whole:])[0], losses

        carry, losses = lax.scan(epoch, carry, orders)
    return carry[0], losses


def trainer(work: Work, given: Given, _threads: int) -> Callable[[int, int], Any]:
    """Train one network or a population, or predict; compiled at the first call of each length."""
    if work.kind == "predict":
        ending = jax.nn.softmax if work.output == "softmax" else jnp.asarray
        forward = jax.jit(lambda weights, X: ending(_forward(work, weights, X)))
        first = jax.device_put(given.weights[0])

        def predict(repeats: int, _networks: int) -> np.ndarray:
            for _ in range(repeats):
                told = np.asarray(forward(first, given.X))
            return told

        return predict
    X, y = jax.device_put(given.X), jax.device_put(given.y)
    one = partial(_train, work)
    train = jax.jit(one if work.networks == 1 else jax.vmap(one, in_axes=(None, None, 0, 0)))

    def run(repeats: int, networks: int) -> list[Any]:
        if work.networks == 1:
            weights, _ = train(X, y, given.weights[0], given.orders[0, :repeats])
            return [[(np.asarray(W), np.asarray(b)) for W, b in weights]]
        stacked = jax.tree.map(lambda *each: np.stack(each), *given.weights[:networks])
        weights, _ = train(X, y, stacked, given.orders[:networks, :repeats])
        together = [(np.asarray(W), np.asarray(b)) for W, b in weights]
        return [[(W[k], b[k]) for W, b in together] for k in range(networks)]

    return run
