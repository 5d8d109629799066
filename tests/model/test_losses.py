"""Losses: value and gradient against mpmath and PyTorch-style definitions written out here."""

import mpmath as mp
import numpy as np
import pytest

from actwise.errors import InputError
from actwise.formula.dialects import evaluate, numpy_table
from actwise.model.losses import CATALOGUE, loss

POINTS = [-745.0, -100.0, -5.0, -1.0, -1e-9, 0.0, 1e-9, 0.3, 2.0, 40.0, 745.0]


def _by_definition(name, x, t):
    """The textbook formula at 400 digits, in which nothing overflows or cancels."""
    x, t = mp.mpf(x), mp.mpf(t)
    if name == "squared_error":
        return (x - t) ** 2 / 2
    if name == "absolute_error":
        return abs(x - t)
    if name == "huber":
        r = abs(x - t)
        return r**2 / 2 if r <= 1 else r - mp.mpf(1) / 2
    if name == "log_cosh":
        return mp.log(mp.cosh(x - t))
    if name == "quantile":
        return max((t - x) / 2, (x - t) / 2)
    if name == "poisson":
        return mp.exp(x) - t * x + (t * mp.log(t) if t else 0) - t
    if name == "hinge":
        return max(mp.mpf(0), 1 - t * x)
    if name == "absolute_percentage_error":
        return 100 * abs(x - t) / max(abs(t), mp.mpf("1e-7"))
    if name == "squared_logarithmic_error":
        return (mp.log(1 + max(x, 0)) - mp.log(1 + max(t, 0))) ** 2
    if name.startswith(("clipped", "kullback")):
        low, high = mp.mpf(1e-7), mp.mpf(1 - 1e-7)  # the bounds as float64 holds them
        p = min(max(x, low), high)
        if name == "kullback_leibler":
            q = min(max(t, low), high)
            return q * mp.log(q / p)
        return -t * mp.log(p) - (1 - t) * mp.log(1 - p)
    p = 1 / (1 + mp.exp(-x))
    return -t * mp.log(p) - (1 - t) * mp.log(1 - p)


COUPLED = {"categorical_cross_entropy", "soft_cross_entropy", "clipped_categorical_cross_entropy"}
ELEMENTWISE = [each for each in CATALOGUE if each.name not in COUPLED]
AT_A_KINK = {
    "absolute_error": lambda x, t: x == t, "quantile": lambda x, t: x == t, "hinge": lambda x, t: x * t == 1,
    "absolute_percentage_error": lambda x, t: x == t, "squared_logarithmic_error": lambda x, t: x == 0,
}  # fmt: skip
# Near its minimum the Poisson deviance is a small difference; an error of this size matters to no training.
ABSOLUTE_ERRORS = {"poisson": 1e-15}


@pytest.mark.parametrize("each", ELEMENTWISE, ids=lambda each: each.name)
@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
def test_value_and_gradient_of_elementwise_losses(each, target):
    with mp.workdps(400):
        for x in POINTS:
            value = float(_by_definition(each.name, x, target))
            tolerance = ABSOLUTE_ERRORS.get(each.name, 1e-300)
            assert each.rows([[x]], [[target]])[0] == pytest.approx(value, rel=1e-13, abs=tolerance)
            values = {"x": np.float64(x), "t": np.float64(target), **each.params}
            with np.errstate(over="ignore"):
                slope = evaluate(each.formula.gradient, values, numpy_table())
            exact = float(mp.diff(lambda u, t=target, n=each.name: _by_definition(n, u, t), x, h=mp.mpf(10) ** -150))
            if AT_A_KINK.get(each.name, lambda x, t: False)(x, target):
                exact = 0.0
            assert slope == pytest.approx(exact, rel=1e-12, abs=1e-15)


def test_categorical_cross_entropy_is_minus_the_log_of_the_softmax():
    chosen = loss("categorical_cross_entropy")
    logits = np.array([[0.1, -2.0, 3.0], [800.0, 0.0, -800.0], [5.0, 5.0, 5.0]])
    classes = np.array([[1], [2], [0]])
    with mp.workdps(400):
        for row, label, got in zip(logits, classes[:, 0], chosen.rows(logits, classes), strict=True):
            exponentials = [mp.exp(mp.mpf(z)) for z in row]
            exact = -mp.log(exponentials[label] / sum(exponentials))
            assert got == pytest.approx(float(exact), rel=1e-13)


def test_clipped_categorical_cross_entropy_takes_shares_of_the_sum():
    chosen = loss("clipped_categorical_cross_entropy")
    outputs = np.array([[0.2, 0.9, 0.4], [1e-12, 3.0, 1.0], [0.0, 0.0, 2.0]])
    targets = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    shares = np.clip(outputs / outputs.sum(axis=1, keepdims=True), 1e-7, 1 - 1e-7)
    np.testing.assert_allclose(chosen.rows(outputs, targets), -(targets * np.log(shares)).sum(axis=1), rtol=1e-13)
    values = {"x": outputs, "t": targets}
    gradient = evaluate(chosen.formula.gradient, values, numpy_table())
    step = 1e-6 * np.eye(3)[:, None, :]
    slopes = [(chosen.rows(outputs + h, targets) - chosen.rows(outputs - h, targets)) / 2e-6 for h in step]
    np.testing.assert_allclose(gradient[:1], np.array(slopes).T[:1], rtol=1e-8)
    assert not gradient[1].any(), "where the share is clipped, its gradient is 0"


@pytest.mark.parametrize("each", CATALOGUE, ids=lambda each: each.name)
def test_the_best_constant_is_no_worse_than_any_other(each):
    rng = np.random.default_rng(1)
    n_outputs = 3 if each.target == "class" else 2
    targets = rng.integers(0, 3, (50, 1)) if each.target == "class" else rng.uniform(0, 1, (50, 2))
    if each.name == "soft_cross_entropy":
        targets /= targets.sum(axis=1, keepdims=True)
    best = each.of_best_constant(targets, n_outputs)
    for constant in rng.normal(size=(200, n_outputs)) * 2:
        assert best <= each.rows(np.tile(constant, (50, 1)), targets).mean() + 1e-9


def test_names_aliases_and_mistakes():
    assert loss("mse").name == "squared_error"
    assert loss("huber", delta=3.0).params["delta"] == 3.0
    with pytest.raises(InputError, match="did you mean 'huber'"):
        loss("hubber")
    with pytest.raises(InputError, match="no parameter 'gamma'"):
        loss("huber", gamma=1.0)
    with pytest.raises(InputError, match="must be positive"):
        loss("huber", delta=-1.0)
    with pytest.raises(InputError, match="must be below 1"):
        loss("quantile", quantile=1.0)


@pytest.mark.parametrize("each", CATALOGUE, ids=lambda each: each.name)
def test_the_best_constant_weighs_rows_as_if_they_were_repeated(each):
    rng = np.random.default_rng(2)
    targets = rng.integers(0, 2, (20, 1)).astype(float)
    weights = rng.integers(0, 4, 20)
    n_outputs = 3 if each.target == "class" else 1
    if each.name == "clipped_categorical_cross_entropy":
        targets, n_outputs = rng.dirichlet(np.ones(2), 20), 2  # a single output is all of its own sum
    repeated = each.of_best_constant(np.repeat(targets, weights, axis=0), n_outputs)
    assert each.of_best_constant(targets, n_outputs, weights) == pytest.approx(repeated, rel=1e-6)


def _torch_losses():
    torch = pytest.importorskip("torch")
    functions = torch.nn.functional

    def clip(p):
        return p.clamp(1e-7, 1 - 1e-7)

    return torch, {
        "squared_error": lambda x, t: functions.mse_loss(x, t, reduction="sum") / 2,
        "absolute_error": lambda x, t: functions.l1_loss(x, t, reduction="sum"),
        "huber": lambda x, t: functions.huber_loss(x, t, reduction="sum"),
        "quantile": lambda x, t: torch.maximum(0.9 * (t - x), -0.1 * (t - x)).sum(),
        "log_cosh": lambda x, t: torch.log(torch.cosh(x - t)).sum(),
        "poisson": lambda x, t: functions.poisson_nll_loss(x, t, reduction="sum") + (torch.xlogy(t, t) - t).sum(),
        "hinge": lambda x, t: functions.relu(1 - (2 * t - 1) * x).sum(),
        "binary_cross_entropy": lambda x, t: functions.binary_cross_entropy_with_logits(x, t, reduction="sum"),
        "categorical_cross_entropy": lambda x, t: functions.cross_entropy(x, t[:, 0].long(), reduction="sum"),
        "soft_cross_entropy": lambda x, t: functions.cross_entropy(x, t, reduction="sum"),
        "clipped_binary_cross_entropy": lambda x, t: functions.binary_cross_entropy(clip(x), t, reduction="sum"),
        "clipped_categorical_cross_entropy": lambda x, t: -(t * clip(x / x.sum(1, keepdim=True)).log()).sum(),
        "kullback_leibler": lambda x, t: functions.kl_div(clip(x).log(), clip(t), reduction="sum"),
        "absolute_percentage_error": lambda x, t: (100 * (x - t).abs() / t.abs().clamp(min=1e-7)).sum(),
        "squared_logarithmic_error": lambda x, t: ((1 + x.clamp(min=0)).log() - (1 + t).log()).square().sum(),
    }


@pytest.mark.parametrize("each", CATALOGUE, ids=lambda each: each.name)
def test_value_and_gradient_are_those_of_pytorch(each):
    torch, twins = _torch_losses()
    rng = np.random.default_rng(5)
    x, t = rng.normal(size=(30, 3)) * 3, rng.integers(0, 2, (30, 3)).astype(float)
    if each.name == "soft_cross_entropy":
        t = rng.dirichlet(np.ones(3), 30)
    chosen = loss(each, **({"quantile": 0.9} if each.name == "quantile" else {}))
    outputs = torch.tensor(x, requires_grad=True)
    value = twins[each.name](outputs, torch.tensor(t))
    value.backward()
    given = {"hinge": 2 * t - 1}.get(each.name, t[:, :1] if each.target == "class" else t)
    assert chosen.rows(x, given).sum() == pytest.approx(value.item(), rel=1e-12)
    coded = (given == np.arange(3)).astype(float) if each.target == "class" else given
    slopes = evaluate(chosen.formula.gradient, {"x": x, "t": coded, **chosen.params}, numpy_table())
    np.testing.assert_allclose(slopes, outputs.grad.numpy(), rtol=1e-10, atol=1e-12)
