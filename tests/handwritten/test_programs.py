"""Networks in the forms in which people write them: no alarm at right ones, mistakes named where they enter."""

import numpy as np
import pytest

import actwise as aw

RNG = np.random.default_rng(5)
X = RNG.normal(size=(30, 3))
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
Y = np.eye(3)[CLASSES]
START = [RNG.normal(size=s) for s in [(3, 4), (4,), (4, 4), (4,), (4, 3), (3,)]]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def forward(p, rows, dtype=np.float64):
    p, a = [np.asarray(each, dtype) for each in p], np.asarray(rows, dtype)
    for k in (0, 2):
        a = np.tanh(a @ p[k] + p[k + 1])
    return softmax(a @ p[4] + p[5])


def gradient(p, rows, t, mistake="", dtype=np.float64):
    p, rows, t = [np.asarray(each, dtype) for each in p], np.asarray(rows, dtype), np.asarray(t, dtype)
    z1 = rows @ p[0] + p[1]
    a = np.tanh(z1)
    b = np.tanh(a @ p[2] + p[3])
    y = softmax(b @ p[4] + p[5])
    d3 = y - (np.roll(t, 1, axis=1) if mistake == "label" else t)
    d3 = d3 * y * (1 - y) if mistake == "softmax" else d3
    d2 = d3 @ p[4].T * (1 if mistake == "left out" else 1 - (a if mistake == "mask" else b) ** 2)
    d1 = d2 @ (p[2] if mistake == "transpose" else p[2].T) * (1 - a**2)
    found = [rows.T @ d1, d1.sum(0), (z1 if mistake == "z" else a).T @ d2, d2.sum(0), b.T @ d3, d3.sum(0)]
    if mistake == "bias":
        found[3] = -found[3]
    return [each / dtype(len(rows)) for each in found]


@pytest.mark.parametrize(
    ("mistake", "cause", "first", "last"),
    [("left out", "missing_factor", 0, 3), ("mask", "other_layer", 0, 3), ("transpose", "missing_transpose", 0, 1),
     ("z", "wrong_input", 2, 2), ("softmax", "elementwise_softmax", 0, 5), ("label", "label_encoding", 0, 5),
     ("bias", "wrong_sign", 3, 3)],
)  # fmt: skip
def test_a_mistake_in_one_of_several_layers_is_named(mistake, cause, first, last):
    found = aw.diagnose_functions(forward, lambda *given: gradient(*given, mistake), START, X, Y, loss="cross_entropy")
    assert found.cause == cause, str(found)
    assert found.findings[0].arrays == tuple(f"parameters[{k}]" for k in range(first, last + 1))


def right(name, loss=None):
    """A right program in one of the forms that people use, as arguments of `diagnose_functions`."""
    p = dict(zip(["W1", "b1", "W2", "b2", "W3", "b3"], START, strict=True))

    def listed(q):
        return [q[key] for key in p]

    def in_place(q, rows, t):
        for array, slope in zip(q, gradient(q, rows, t), strict=True):
            array -= 0.1 * slope

    def penalised(q, rows, t):
        return [g + 0.02 * a if a.ndim > 1 else g for g, a in zip(gradient(q, rows, t), q, strict=True)]

    def clipped(q, rows, t):
        g = gradient(q, rows, t)
        return [0.01 * each / np.sqrt(sum(np.sum(other**2) for other in g)) for each in g]

    velocity = [np.zeros_like(each) for each in START]

    def momentum(q, rows, t):
        for k, g in enumerate(gradient(q, rows, t)):
            velocity[k] = 0.9 * velocity[k] - 0.1 * g
        return [a + v for a, v in zip(q, velocity, strict=True)]

    forms = {
        "float32": (lambda q, r: forward(q, r, np.float32), lambda *g: gradient(*g, dtype=np.float32), START, X, Y),
        "other order": (
            lambda q, r: forward(listed(q), r),
            lambda q, r, t: {f"d{k}": g for k, g in reversed([*zip(p, gradient(listed(q), r, t), strict=True)])},
            p, X, Y,
        ),
        "cache": (lambda q, r: (forward(q, r), {"rows": r}), gradient, START, X, Y),
        "columns": (
            lambda q, c: forward([a.T for a in q], c.T).T,
            lambda q, c, t: [g.T for g in gradient([a.T for a in q], c.T, t.T)], [a.T for a in START], X.T, Y.T,
        ),
        "one row": (
            lambda q, x: forward(q, x[None])[0] if x.ndim == 1 else 1 / 0,
            lambda q, x, t: gradient(q, x[None], t[None]), START, X, Y,
        ),
        "data first": (lambda X, w: forward(w, X), lambda X, y, w: gradient(w, X, y), START, X, Y),
        "one array after the other": (
            lambda X, a, b, c, d, e, f: forward([a, b, c, d, e, f], X),
            lambda X, y, a, b, c, d, e, f: gradient([a, b, c, d, e, f], X, y), START, X, Y,
        ),
        "penalty": (forward, penalised, START, X, Y),
        "clipped": (forward, clipped, START, X, Y),
    }  # fmt: skip
    steps = {"in place": in_place, "momentum": momentum}
    if name in steps:
        return {"forward": forward, "gradient": None, "parameters": START, "X": X, "y": Y, "step": steps[name]}
    return dict(zip(["forward", "gradient", "parameters", "X", "y"], forms[name], strict=True))


@pytest.mark.parametrize(
    "name", ["float32", "other order", "cache", "columns", "one row", "data first", "one array after the other",
             "penalty", "clipped", "in place", "momentum"],
)  # fmt: skip
def test_right_programs_in_every_form_raise_no_alarm(name):
    before = [each.copy() for each in START]
    found = aw.diagnose_functions(**right(name))
    assert found.verdict == "correct", str(found)
    assert all(np.array_equal(one, other) for one, other in zip(before, START, strict=True))
    assert {"penalty": "weight decay", "clipped": "clipped"}.get(name, "") in str(found)


class Net:
    """Keeps its weights itself and is trained one row at a time."""

    def __init__(self, wrong=False):
        self.W, self.V, self.wrong = START[0].copy(), START[4].copy(), wrong

    def predict(self, x):
        self.a = np.tanh(x @ self.W)
        return self.a @ self.V

    def learn(self, x, target, rate=0.1):
        d = self.predict(x) - target
        slope = 1 if self.wrong else 1 - self.a**2
        step = rate * np.outer(x, d @ self.V.T * slope)
        self.V = self.V - rate * np.outer(self.a, d)
        self.W = self.W - step


@pytest.mark.parametrize(("wrong", "cause"), [(False, "correct"), (True, "missing_factor")])
def test_methods_of_an_object_that_keeps_its_weights(wrong, cause):
    net = Net(wrong)
    before = net.W
    found = aw.diagnose_functions(net.predict, None, [net.W, net.V], X, Y, step=net.learn)
    assert found.cause == cause, str(found)
    assert net.W is before


@pytest.mark.parametrize("axis", [0, None])
def test_a_softmax_over_the_rows_is_seen(axis):
    def wrong(p, rows):
        e = np.exp(np.tanh(rows @ p[0] + p[1]) @ p[2] + p[3])
        return e / e.sum(axis, keepdims=True)

    def way_back(p, rows, t):
        h = np.tanh(rows @ p[0] + p[1])
        d = wrong(p, rows) - t
        e = d @ p[2].T * (1 - h**2)
        return [rows.T @ e, e.sum(0), h.T @ d, d.sum(0)]

    assert aw.diagnose_functions(wrong, way_back, [*START[:2], *START[4:]], X, Y).cause == "softmax_axis"


@pytest.mark.parametrize("target", [np.sin, np.square, lambda x: (abs(x) > 1) * 1.0])
def test_one_input_is_no_reason_for_an_alarm(target):
    rows = np.linspace(-3, 3, 40)[:, None]

    def line(p, x):
        return np.tanh(x @ p[0] + p[1]) @ p[2] + p[3]

    def way_back(p, x, t):
        h = np.tanh(x @ p[0] + p[1])
        d = line(p, x) - t
        e = d @ p[2].T * (1 - h**2)
        return [x.T @ e, e.sum(0), h.T @ d, d.sum(0)]

    start = [RNG.normal(size=s) for s in [(1, 6), (6,), (6, 1), (1,)]]
    assert aw.diagnose_functions(line, way_back, start, rows, target(rows)).verdict == "correct"


def test_check_gradient_of_a_float32_network_whose_loss_is_added_up_in_float64():
    def loss(p):
        return -np.mean(np.sum(Y * np.log(forward(p, X, np.float32).astype(float)), axis=1))

    found = aw.check_gradient(loss, START, lambda p: gradient(p, X, Y, dtype=np.float32), n_rows=30)
    assert found.correct, str(found)
    mistaken = aw.check_gradient(loss, START, lambda p: gradient(p, X, Y, "softmax", np.float32))
    assert "no elementwise one" in str(mistaken)
