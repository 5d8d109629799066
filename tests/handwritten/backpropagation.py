"""Small networks with the way back written by hand, in the styles people write them, right and with one mistake each.

`NETWORKS` holds loss, parameters, gradient, rows; `MISTAKES` holds beside them the causes that are right for each array
that is wrong. All others are right.
"""

from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(11)
N = 6
X = RNG.normal(size=(N, 3))
T = RNG.normal(size=(N, 2))
BINARY = np.array([0.0, 1, 1, 0, 1, 0])
CLASSES = np.array([0, 2, 1, 1, 0, 2])
ONE_HOT = np.eye(3)[CLASSES]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def layers(n_out, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(size=(3, 4)), "b1": rng.normal(size=4),
        "W2": rng.normal(size=(4, 4)), "b2": rng.normal(size=4),
        "W3": rng.normal(size=(4, n_out)), "b3": rng.normal(size=n_out),
    }  # fmt: skip


def forward(p):
    h1 = np.tanh(X @ p["W1"] + p["b1"])
    h2 = sigmoid(h1 @ p["W2"] + p["b2"])
    return h1, h2, h2 @ p["W3"] + p["b3"]


def backward(p, d3, tanh_slope=lambda h: 1 - h**2, sigmoid_slope=lambda h: h * (1 - h), back=lambda w: w.T):
    h1, h2, _ = forward(p)
    d2 = d3 @ back(p["W3"]) * sigmoid_slope(h2)
    d1 = d2 @ back(p["W2"]) * tanh_slope(h1)
    return {
        "W1": X.T @ d1, "b1": d1.sum(0), "W2": h1.T @ d2, "b2": d2.sum(0), "W3": h2.T @ d3, "b3": d3.sum(0),
    }  # fmt: skip


# Squared error as a sum, as a mean over rows, as a mean over all numbers.
def half_squared(p):
    return 0.5 * np.sum((forward(p)[2] - T) ** 2)


def mean_squared(p):
    return np.mean((forward(p)[2] - T) ** 2)


def error(p):
    return forward(p)[2] - T


def cross_entropy(p):
    return -np.mean(np.log(softmax(forward(p)[2])[np.arange(N), CLASSES]))


def class_error(p):
    return (softmax(forward(p)[2]) - ONE_HOT) / N


# Columns are examples, weights are (out, in), biases columns: the course's convention.
def course_forward(p):
    a1 = np.maximum(p["W1"] @ X.T + p["b1"], 0)
    return a1, sigmoid(p["W2"] @ a1 + p["b2"])


def course_loss(p):
    a2 = course_forward(p)[1]
    return -np.sum(BINARY * np.log(a2) + (1 - BINARY) * np.log(1 - a2)) / N


def course_gradient(p):
    a1, a2 = course_forward(p)
    dz2 = a2 - BINARY
    dz1 = (p["W2"].T @ dz2) * (a1 > 0)
    return {
        "W1": dz1 @ X / N, "b1": dz1.sum(axis=1, keepdims=True) / N,
        "W2": dz2 @ a1.T / N, "b2": dz2.sum(axis=1, keepdims=True) / N,
    }  # fmt: skip


COURSE = {
    "W1": RNG.normal(size=(4, 3)), "b1": RNG.normal(size=(4, 1)), "W2": RNG.normal(size=(1, 4)),
    "b2": RNG.normal(size=(1, 1)),
}  # fmt: skip


# Biases are the last rows of the weights, parameters a list.
def with_ones(a):
    return np.column_stack([a, np.ones(len(a))])


def augmented_loss(weights):
    a = X
    for w in weights:
        a = np.tanh(with_ones(a) @ w)
    return np.sum((a - T) ** 2) / (2 * N)


def augmented_gradient(weights, drop_bias=True):
    outputs = [X]
    for w in weights:
        outputs.append(np.tanh(with_ones(outputs[-1]) @ w))
    delta = (outputs[-1] - T) / N
    gradients = []
    for w, before, after in zip(weights[::-1], outputs[-2::-1], outputs[:0:-1], strict=True):
        delta = delta * (1 - after**2)
        gradients.insert(0, with_ones(before).T @ delta)
        delta = delta @ w[:-1].T if drop_bias else (delta @ w.T)[:, 1:]
    return gradients


AUGMENTED = [RNG.normal(size=(4, 5)), RNG.normal(size=(6, 3)), RNG.normal(size=(4, 2))]


# One row at a time, in loops.
def looped_gradient(p):
    total = {key: np.zeros_like(array) for key, array in p.items()}
    h1, h2, y = forward(p)
    for i in range(N):
        d3 = y[i] - T[i]
        d2 = p["W3"] @ d3 * h2[i] * (1 - h2[i])
        d1 = p["W2"] @ d2 * (1 - h1[i] ** 2)
        for key, before, delta in (("1", X[i], d1), ("2", h1[i], d2), ("3", h2[i], d3)):
            total["W" + key] += np.outer(before, delta)
            total["b" + key] += delta
    return total


# Weight decay, on the weights only.
DECAY = 0.3


def decayed_loss(p):
    return half_squared(p) + DECAY / 2 * sum(np.sum(p[key] ** 2) for key in p if key[0] == "W")


def decayed(p, keys="W", factor=DECAY):
    return {key: g + factor * p[key] * (key[0] in keys) for key, g in backward(p, error(p)).items()}


# Logistic regression and linear regression with one vector of weights.
def logistic_loss(w):
    return np.mean(np.logaddexp(0, X @ w) - BINARY * (X @ w))


def logistic_gradient(w):
    return X.T @ (sigmoid(X @ w) - BINARY) / N


def linear_loss(p):
    w, b = p
    return np.mean((X @ w + b - BINARY) ** 2)


def linear_gradient(p):
    w, b = p
    r = X @ w + b - BINARY
    return 2 * X.T @ r / N, 2 * r.mean()


# A tied autoencoder, a recurrent cell, a norm layer, an embedding, a convolution.
def tied_loss(p):
    return 0.5 * np.sum((np.tanh(X @ p["W"] + p["b"]) @ p["W"].T + p["c"] - X) ** 2)


def tied_gradient(p, decoder=True):
    h = np.tanh(X @ p["W"] + p["b"])
    d = h @ p["W"].T + p["c"] - X
    dh = d @ p["W"] * (1 - h**2)
    return {"W": X.T @ dh + (d.T @ h if decoder else 0), "b": dh.sum(0), "c": d.sum(0)}


def recurrent_loss(p):
    h = np.zeros(4)
    for x in X:
        h = np.tanh(x @ p["U"] + h @ p["V"])
    return 0.5 * np.sum((h @ p["O"] - T[0]) ** 2)


def recurrent_gradient(p, through_time=True):
    states = [np.zeros(4)]
    for x in X:
        states.append(np.tanh(x @ p["U"] + states[-1] @ p["V"]))
    e = states[-1] @ p["O"] - T[0]
    g = {"U": np.zeros((3, 4)), "V": np.zeros((4, 4)), "O": np.outer(states[-1], e)}
    dh = p["O"] @ e
    for t in reversed(range(N)):
        da = dh * (1 - states[t + 1] ** 2)
        g["U"] += np.outer(X[t], da)
        g["V"] += np.outer(states[t], da)
        dh = p["V"] @ da
        if not through_time:
            break
    return g


def normed(p):
    a = X @ p["W"]
    centred = a - a.mean(0)
    deviation = np.sqrt((centred**2).mean(0) + 1e-5)
    return centred / deviation, deviation


def norm_loss(p):
    return 0.5 * np.sum((normed(p)[0] * p["gamma"] + p["beta"] - T) ** 2)


def norm_gradient(p, whole=True):
    z, deviation = normed(p)
    d = z * p["gamma"] + p["beta"] - T
    dz = d * p["gamma"]
    da = (dz - dz.mean(0) - z * (dz * z).mean(0)) / deviation if whole else dz / deviation
    return {"W": X.T @ da, "gamma": (d * z).sum(0), "beta": d.sum(0)}


def embedding_loss(p):
    return 0.5 * np.sum((np.tanh(p["E"][CLASSES]) @ p["W"] - T) ** 2)


def embedding_gradient(p, accumulate=True):
    h = np.tanh(p["E"][CLASSES])
    d = h @ p["W"] - T
    dh = d @ p["W"].T * (1 - h**2)
    table = np.zeros_like(p["E"])
    if accumulate:
        np.add.at(table, CLASSES, dh)
    else:
        table[CLASSES] += dh  # a repeated row is added once only
    return {"E": table, "W": h.T @ d}


SIGNAL = RNG.normal(size=12)


def convolution_loss(k):
    return 0.5 * np.sum(np.tanh(np.convolve(SIGNAL, k, mode="valid")) ** 2)


def convolution_gradient(k, flipped=False):
    y = np.tanh(np.convolve(SIGNAL, k, mode="valid"))
    g = np.correlate(SIGNAL, y * (1 - y**2), mode="valid")
    return g if flipped else g[::-1]


P2, P3 = layers(2), layers(3)
TIED = {"W": RNG.normal(size=(3, 2)), "b": RNG.normal(size=2), "c": RNG.normal(size=3)}
RECURRENT = {"U": RNG.normal(size=(3, 4)), "V": 0.5 * RNG.normal(size=(4, 4)), "O": RNG.normal(size=(4, 2))}
NORM = {"W": RNG.normal(size=(3, 2)), "gamma": RNG.normal(size=2), "beta": RNG.normal(size=2)}
TABLE = {"E": RNG.normal(size=(5, 4)), "W": RNG.normal(size=(4, 2))}

NETWORKS = {
    "half squared error": (half_squared, P2, lambda p: backward(p, error(p)), N),
    "mean squared error": (mean_squared, P2, lambda p: backward(p, 2 * error(p) / T.size), N),
    "softmax and cross-entropy": (cross_entropy, P3, lambda p: backward(p, class_error(p)), N),
    "columns are examples": (course_loss, COURSE, course_gradient, N),
    "biases within the weights": (augmented_loss, AUGMENTED, augmented_gradient, N),
    "row by row in loops": (half_squared, P2, looped_gradient, None),
    "weight decay": (decayed_loss, P2, decayed, N),
    "logistic regression": (logistic_loss, RNG.normal(size=3), logistic_gradient, N),
    "linear regression": (linear_loss, (RNG.normal(size=3), np.array(0.2)), linear_gradient, N),
    "tied autoencoder": (tied_loss, TIED, tied_gradient, N),
    "recurrent cell": (recurrent_loss, RECURRENT, recurrent_gradient, N),
    "batch norm": (norm_loss, NORM, norm_gradient, N),
    "embedding": (embedding_loss, TABLE, embedding_gradient, N),
    "convolution": (convolution_loss, RNG.normal(size=4), convolution_gradient, None),
}


def changed(gradient, **changes):
    """The gradient with some arrays changed after it was computed."""

    def wrong(p):
        g = gradient(p)
        return {**g, **{key: change(g[key], p) for key, change in changes.items()}}

    return wrong


def right(p):
    return backward(p, error(p))


def each(names, causes):
    return dict.fromkeys(names, causes)


ALL = ("W1", "b1", "W2", "b2", "W3", "b3")
WRONG = {"wrong_formula"}
FIRST = each(("W1", "b1"), WRONG)
HIDDEN = each(("W1", "b1", "W2", "b2"), WRONG)
MISTAKES = {
    "error with its sign turned": (
        half_squared, P2, lambda p: backward(p, T - forward(p)[2]), N, each(ALL, {"wrong_sign"}),
    ),
    "half forgotten": (
        half_squared, P2, lambda p: backward(p, 2 * error(p)), N, each(ALL, {"missing_factor"}),
    ),
    "mean over rows for a mean over all": (
        mean_squared, P2, lambda p: backward(p, 2 * error(p) / N), N, each(ALL, {"missing_factor"}),
    ),
    "sum for the mean": (
        cross_entropy, P3, lambda p: backward(p, N * class_error(p)), N, each(ALL, {"sum_instead_of_mean"}),
    ),
    "biases by their mean": (
        half_squared, P2, lambda p: {k: g / N if k[0] == "b" else g for k, g in right(p).items()}, N,
        each(("b1", "b2", "b3"), {"mean_instead_of_sum"}),
    ),
    "activation's slope forgotten in the first layer": (
        half_squared, P2, lambda p: backward(p, error(p), tanh_slope=lambda h: 1), N, FIRST,
    ),
    "activation's slope forgotten in the second layer": (
        half_squared, P2, lambda p: backward(p, error(p), sigmoid_slope=lambda h: 1), N, HIDDEN,
    ),
    "slope of the sigmoid of the sigmoid": (
        half_squared, P2, lambda p: backward(p, error(p), sigmoid_slope=lambda h: sigmoid(h) * (1 - sigmoid(h))), N,
        HIDDEN,
    ),
    "slope of the tanh of the tanh": (
        half_squared, P2, lambda p: backward(p, error(p), tanh_slope=lambda h: 1 - np.tanh(h) ** 2), N, FIRST,
    ),
    "square weights not transposed on the way back": (
        half_squared, P2, lambda p: backward(p, error(p), back=lambda w: w if w.shape == (4, 4) else w.T), N, FIRST,
    ),
    "sigmoid's slope in the tanh layer": (
        half_squared, P2, lambda p: backward(p, error(p), tanh_slope=lambda h: h * (1 - h)), N, FIRST,
    ),
    "square weights' gradient transposed": (
        half_squared, P2, changed(right, W2=lambda g, p: g.T), N, {"W2": {"transposed"}},
    ),
    "gradient transposed": (half_squared, P2, changed(right, W1=lambda g, p: g.T), N, {"W1": {"transposed"}}),
    "bias summed over the units": (
        half_squared, P2, changed(right, b3=lambda g, p: error(p).sum(axis=1)), N, {"b3": {"summed_over_wrong_axis"}},
    ),
    "bias not summed": (
        half_squared, P2, changed(right, b3=lambda g, p: error(p)), N, {"b3": {"not_summed_over_rows"}},
    ),
    "bias summed to one number": (
        half_squared, P2, changed(right, b3=lambda g, p: np.sum(error(p))), N,
        {"b3": {"summed_over_wrong_axis", "wrong_shape"}},
    ),
    "bias gradient kept a column": (
        half_squared, P2, changed(right, b2=lambda g, p: g[:, None]), N, {"b2": {"wrong_shape", "transposed"}},
    ),
    "bias of the layer before": (
        half_squared, P2, changed(right, b2=lambda g, p: right(p)["b1"]), N, {"b2": {"belongs_to_other_array"}},
    ),
    "biases of two layers exchanged": (
        half_squared, P2, lambda p: (lambda g: {**g, "b1": g["b2"], "b2": g["b1"]})(right(p)), N,
        each(("b1", "b2"), {"belongs_to_other_array"}),
    ),
    "bias never computed": (
        half_squared, P2, changed(right, b1=lambda g, p: np.zeros_like(g)), N, {"b1": {"zero"}},
    ),
    "bias updated by the first row only": (
        half_squared, P2, changed(right, b3=lambda g, p: error(p)[0]), N, {"b3": WRONG},
    ),
    "decay forgotten": (
        decayed_loss, P2, right, N, each(("W1", "W2", "W3"), WRONG),
    ),
    "decay on the biases too": (
        decayed_loss, P2, lambda p: decayed(p, "Wb"), N, each(("b1", "b2", "b3"), WRONG),
    ),
    "decay doubled": (
        decayed_loss, P2, lambda p: decayed(p, factor=2 * DECAY), N, each(("W1", "W2", "W3"), WRONG),
    ),
    "decay subtracted": (
        decayed_loss, P2, lambda p: decayed(p, factor=-DECAY), N, each(("W1", "W2", "W3"), WRONG),
    ),
    "columns: bias by its sum": (
        course_loss, COURSE, changed(course_gradient, b1=lambda g, p: N * g), N, {"b1": {"sum_instead_of_mean"}},
    ),
    "columns: mean taken twice": (
        course_loss, COURSE, changed(course_gradient, W2=lambda g, p: g / N), N,
        {"W2": {"mean_instead_of_sum", "missing_factor"}},
    ),
    "columns: relu of the input": (
        course_loss, COURSE,
        changed(
            course_gradient, b1=lambda g, p: (p["W2"].T @ (course_forward(p)[1] - BINARY)).mean(1, keepdims=True)
        ),
        N, {"b1": WRONG},
    ),
    "columns: sigmoid's slope once too often": (
        course_loss, COURSE,
        lambda p: (lambda a1, a2: {
            **course_gradient(p), "W2": (a2 - BINARY) * a2 * (1 - a2) @ a1.T / N,
            "b2": ((a2 - BINARY) * a2 * (1 - a2)).mean(axis=1, keepdims=True),
        })(*course_forward(p)),
        N, each(("W2", "b2"), WRONG),
    ),
    "biases within the weights: the wrong row left out": (
        augmented_loss, AUGMENTED, lambda w: augmented_gradient(w, drop_bias=False), N,
        each(("parameters[0]", "parameters[1]"), WRONG),
    ),
    "logistic regression, sign": (
        logistic_loss, np.array([0.3, -0.2, 0.5]), lambda w: -logistic_gradient(w), N, {"parameters": {"wrong_sign"}},
    ),
    "logistic regression, slope of the squared error": (
        logistic_loss, np.array([0.3, -0.2, 0.5]),
        lambda w: X.T @ ((sigmoid(X @ w) - BINARY) * sigmoid(X @ w) * (1 - sigmoid(X @ w))) / N, N,
        {"parameters": WRONG},
    ),
    "linear regression, 2 forgotten": (
        linear_loss, (np.array([0.3, -0.2, 0.5]), np.array(0.2)), lambda p: tuple(g / 2 for g in linear_gradient(p)), N,
        each(("parameters[0]", "parameters[1]"), {"missing_factor"}),
    ),
    "linear regression, intercept by its sum": (
        linear_loss, (np.array([0.3, -0.2, 0.5]), np.array(0.2)),
        lambda p: (linear_gradient(p)[0], N * linear_gradient(p)[1]), N, {"parameters[1]": {"sum_instead_of_mean"}},
    ),
    "linear regression, intercept not summed": (
        linear_loss, (np.array([0.3, -0.2, 0.5]), np.array(0.2)),
        lambda p: (linear_gradient(p)[0], 2 * (X @ p[0] + p[1] - BINARY) / N), N,
        {"parameters[1]": {"not_summed_over_rows"}},
    ),
    "linear regression, broadcast residuals": (
        linear_loss, (np.array([0.3, -0.2, 0.5]), np.array(0.2)),
        lambda p: (
            (2 * X.T @ ((X @ p[0] + p[1])[:, None] - BINARY[None, :]) / N).sum(axis=1), linear_gradient(p)[1]
        ), N, {"parameters[0]": WRONG},
    ),
    "tied weights, decoder forgotten": (tied_loss, TIED, lambda p: tied_gradient(p, decoder=False), N, {"W": WRONG}),
    "no way back through time": (
        recurrent_loss, RECURRENT, lambda p: recurrent_gradient(p, through_time=False), N,
        each(("U", "V"), WRONG),
    ),
    "batch norm with frozen statistics": (norm_loss, NORM, lambda p: norm_gradient(p, whole=False), N, {"W": WRONG}),
    "embedding, repeated rows lost": (
        embedding_loss, TABLE, lambda p: embedding_gradient(p, accumulate=False), N, {"E": WRONG},
    ),
    "convolution, kernel flipped": (
        convolution_loss, np.array([0.4, -0.3, 0.9, 0.1]), lambda k: convolution_gradient(k, flipped=True), None,
        {"parameters": WRONG},
    ),
}  # fmt: skip
