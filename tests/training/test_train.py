"""The training loop: its steps against plain NumPy, its stops, and that pauses change nothing."""

import itertools

import numpy as np
import pytest

import actwise as aw
from actwise.engines.numba import halves
from actwise.errors import ActwiseWarning, InputError
from actwise.model import oracle as reference
from actwise.model.losses import loss
from actwise.model.optimizers import LBFGS, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Nadam, RMSprop
from actwise.model.schedules import CosineDecay, ExponentialDecay, InverseTimeDecay
from actwise.training import progress

RNG = np.random.default_rng(3)
X = RNG.normal(size=(37, 3))
Y = np.tanh(X[:, :1] - X[:, 1:2] * X[:, 2:])
XOR_X = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
XOR_Y = np.array([0, 1, 1, 0.0])


def _network(dtype="float64", hidden="tanh"):
    return aw.Network([aw.Dense(5, hidden), aw.Dense(1)], 3, dtype=dtype)


def _slow_steps(network, optimizer, rates, batch_size, epochs, l2=0.0, largest_norm=np.inf):
    """Every rule written out as its paper states it, on the oracle's gradients, rows in order."""
    parameters = network.values.astype(float).copy()
    described = loss("squared_error").for_engine(1)
    m, v = np.zeros_like(parameters), np.zeros_like(parameters)
    product = 1.0
    mask = np.zeros_like(parameters)
    for s in network.structure:
        mask[s.weights_at : s.weights_at + s.n_inputs * s.n_linear] = 1
    step = 0
    for _ in range(epochs):
        for start in range(0, len(X), batch_size):
            rows = slice(start, start + batch_size)
            _, g = reference.loss_and_gradient(network.structure, parameters, X[rows], Y[rows], described)
            g = g + l2 * mask * parameters
            norm = np.sqrt((g**2).sum())
            g = g * min(1.0, largest_norm / norm)
            rate = rates[step]
            step += 1
            if isinstance(optimizer, Adamax):
                m = optimizer.beta1 * m + (1 - optimizer.beta1) * g
                v = np.maximum(optimizer.beta2 * v, np.abs(g) + optimizer.epsilon)
                parameters -= rate / (1 - optimizer.beta1**step) * m / v
            elif isinstance(optimizer, Nadam):
                mu, after = (optimizer.beta1 * (1 - 0.5 * 0.96 ** (0.004 * s)) for s in (step, step + 1))
                product *= mu
                m = optimizer.beta1 * m + (1 - optimizer.beta1) * g
                v = optimizer.beta2 * v + (1 - optimizer.beta2) * g**2
                m_bar = after * m / (1 - product * after) + (1 - mu) * g / (1 - product)
                parameters -= rate * m_bar / (np.sqrt(v / (1 - optimizer.beta2**step)) + optimizer.epsilon)
            elif isinstance(optimizer, AdamW | Adam):
                m = optimizer.beta1 * m + (1 - optimizer.beta1) * g
                v = optimizer.beta2 * v + (1 - optimizer.beta2) * g**2
                m_hat, v_hat = m / (1 - optimizer.beta1**step), v / (1 - optimizer.beta2**step)
                decay = getattr(optimizer, "weight_decay", 0.0)
                parameters -= rate * decay * parameters + rate * m_hat / (np.sqrt(v_hat) + optimizer.epsilon)
            elif isinstance(optimizer, RMSprop):
                v = optimizer.rho * v + (1 - optimizer.rho) * g**2
                m = optimizer.momentum * m + g / (np.sqrt(v) + optimizer.epsilon)
                parameters -= rate * m
            elif isinstance(optimizer, Adagrad):
                v += g**2
                parameters -= rate * g / (np.sqrt(v + optimizer.initial_accumulator) + optimizer.epsilon)
            elif isinstance(optimizer, Adadelta):
                v = optimizer.rho * v + (1 - optimizer.rho) * g**2
                moved = np.sqrt(m + optimizer.epsilon) / np.sqrt(v + optimizer.epsilon) * g
                m = optimizer.rho * m + (1 - optimizer.rho) * moved**2
                parameters -= rate * moved
            else:
                m = optimizer.momentum * m + g
                parameters -= rate * (g + optimizer.momentum * m if optimizer.nesterov else m)
    return parameters


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(0.1), SGD(0.05, momentum=0.9), SGD(0.05, momentum=0.8, nesterov=True),
        Adam(0.01), AdamW(0.01, weight_decay=0.1), RMSprop(0.01), RMSprop(0.01, momentum=0.5), Adagrad(0.1),
        Adagrad(0.1, initial_accumulator=0.1), Adadelta(0.5), Adamax(0.01), Nadam(0.01),
    ],
    ids=repr,
)  # fmt: skip
def test_every_rule_against_its_slow_twin(optimizer):
    network = _network().initialised(4)
    run = aw.train(
        network,
        X,
        Y,
        optimizer=optimizer,
        batch_size=8,
        epochs=6,
        shuffle=False,
        keep_parameters=True,
        l2=0.01,
    )
    rates = np.full(1000, optimizer.learning_rate)
    expected = _slow_steps(network, optimizer, rates, 8, 6, l2=0.01)
    np.testing.assert_allclose(run.network.values, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    "schedule",
    [
        ExponentialDecay(0.1, 0.5, every=7, stairs=True),
        InverseTimeDecay(0.1, 0.05),
        CosineDecay(0.1, warmup=0.2),
    ],
    ids=repr,
)
def test_schedules_set_the_rate_of_every_step(schedule):
    network = _network().initialised(4)
    run = aw.train(
        network, X, Y, optimizer="sgd", learning_rate=schedule, batch_size=8, epochs=6, shuffle=False,
        keep_parameters=True,
    )  # fmt: skip
    rates = schedule.rates(np.arange(30), 30)
    expected = _slow_steps(network, SGD(), rates, 8, 6)
    np.testing.assert_allclose(run.network.values, expected, rtol=1e-9, atol=1e-11)
    assert run.history[-1].learning_rate == pytest.approx(rates[-1])


def test_gradients_are_clipped_to_the_largest_norm():
    network = _network().initialised(4)
    run = aw.train(
        network, X, Y, optimizer=SGD(0.1), batch_size=8, epochs=3, shuffle=False, keep_parameters=True,
        max_gradient_norm=0.05,
    )  # fmt: skip
    expected = _slow_steps(network, SGD(), np.full(99, 0.1), 8, 3, largest_norm=0.05)
    np.testing.assert_allclose(run.network.values, expected, rtol=1e-9, atol=1e-11)
    assert run.history[0].gradient_norm > 0.05


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_seed_same_bits_and_another_seed_others(dtype):
    layers = [aw.Dense(5, "tanh"), aw.Dropout(0.2), aw.Dense(1)]
    settings = {"optimizer": "adam", "epochs": 4, "batch_size": 8}
    first, again, other = (
        aw.train(aw.Network(layers, 3, dtype=dtype), X, Y, seed=seed, **settings).network.values for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_pauses_change_nothing(monkeypatch):
    settings = {"optimizer": "adam", "epochs": 9, "batch_size": 8, "validation": (X[:9], Y[:9]), "seed": 5}
    whole = aw.train(_network(), X, Y, **settings)
    monkeypatch.setattr(progress, "FIRST_STEPS", 3)
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 0.0)  # one step a call from then on
    pieces = aw.train(_network(), X, Y, **settings)
    np.testing.assert_array_equal(pieces.network.values, whole.network.values)
    np.testing.assert_array_equal(pieces.history.training_losses, whole.history.training_losses)
    np.testing.assert_array_equal(pieces.history.validation_losses, whole.history.validation_losses)
    assert pieces.best_epoch == whole.best_epoch


def test_every_row_is_used_once_an_epoch():
    """With a frozen network the epoch's mean loss is the data's, whatever the order."""
    network = _network().initialised(2)
    run = aw.train(network, X, Y, optimizer=SGD(1e-300), epochs=3, batch_size=5, keep_parameters=True)
    expected = np.mean((network.predict(X) - Y) ** 2) / 2
    np.testing.assert_allclose(run.history.training_losses, expected, rtol=1e-12)


def test_validation_keeps_the_best_parameters_and_patience_stops():
    validation = (X[:9], -Y[:9])  # gets worse as training goes on
    run = aw.train(
        _network(), X[9:], Y[9:], optimizer=Adam(0.05), epochs=400, validation=validation, patience=7, seed=1
    )
    losses = run.history.validation_losses
    assert run.stopped_because == "no improvement"
    assert run.best_epoch == np.argmin(losses) + 1
    assert len(losses) == run.best_epoch + 7
    kept = np.mean((run.network.predict(validation[0]) - validation[1]) ** 2) / 2
    assert kept == pytest.approx(losses.min(), rel=1e-12)


def test_a_batch_counts_by_the_weights_of_its_rows():
    """Rows of weight 0 in a batch of their own change nothing, and small weights make small steps."""
    weights = np.r_[np.full(10, 2.0), np.zeros(10), np.full(10, 1e-3)]
    settings = {"optimizer": SGD(0.1), "epochs": 1, "shuffle": False, "keep_parameters": True}
    network = _network().initialised(4)

    def moved(rows):
        run = aw.train(network, X[rows], Y[rows], sample_weight=weights[rows], batch_size=10, **settings)
        return run.network.values - network.values

    first, whole = moved(slice(0, 10)), moved(slice(0, 30))
    np.testing.assert_allclose(whole, first * 2.0 / weights[:30].mean(), rtol=2e-3, atol=1e-4)


def test_sample_weights_count_like_repeated_rows():
    weights = RNG.integers(0, 4, len(X))
    repeated = np.repeat(np.arange(len(X)), weights)
    settings = {"optimizer": SGD(0.1), "epochs": 30, "shuffle": False, "seed": 2, "batch_size": 10_000}
    weighted = aw.train(_network(), X, Y, sample_weight=weights, **settings)
    plain = aw.train(_network(), X[repeated], Y[repeated], **settings)
    np.testing.assert_allclose(weighted.network.values, plain.network.values, rtol=1e-9)


def test_a_loss_that_is_not_finite_stops_at_once_and_keeps_the_best():
    with pytest.warns(ActwiseWarning, match="nothing was learned.*a learning rate ten times smaller"):
        run = aw.train(_network("float32", "relu"), X, Y * 100, optimizer=SGD(50.0), epochs=500, batch_size=4)
    assert run.stopped_because == "loss is not finite"
    assert len(run.history) < 500
    assert np.all(np.isfinite(run.network.values))
    assert not np.isfinite(run.history[-1].training_loss)


def test_time_limit_and_interruption_keep_what_was_reached():
    endless = {"optimizer": "sgd", "epochs": 10**9, "batch_size": 4}
    run = aw.train(_network(), X, Y, time_limit=0.2, **endless)
    assert run.stopped_because == "time limit"
    assert len(run.history) > 0
    calls = itertools.count()

    def interrupt(_):
        if next(calls) == 2:
            raise KeyboardInterrupt

    run = aw.train(_network(), X, Y, on_epochs=interrupt, **endless)
    assert run.stopped_because == "interrupted"
    assert run.history[-1].training_loss < run.history[0].training_loss


def test_lbfgs_reaches_the_exact_minimum_of_a_linear_problem():
    network = aw.Network([aw.Dense(1)], 3, dtype="float64")
    run = aw.train(network, X, Y, optimizer=LBFGS(), l2=0.3, seed=1)
    centred = X - X.mean(0)
    exact = np.linalg.solve(centred.T @ centred / len(X) + 0.3 * np.eye(3), centred.T @ Y / len(X))
    assert run.stopped_because == "converged"
    np.testing.assert_allclose(run.network.weights[0], exact, atol=2e-5)


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("units", [2, 4, 8])
def test_default_training_learns_xor(hidden, units):
    for seed in range(10):
        network = aw.Network([aw.Dense(units, hidden), aw.Dense(1, "sigmoid")], 2)
        run = aw.train(network, XOR_X, XOR_Y, loss="binary_cross_entropy", seed=seed)
        np.testing.assert_array_equal(run.network.predict(XOR_X).ravel() > 0.5, XOR_Y > 0.5)


def test_history_is_a_sequence_of_records():
    run = aw.train(_network(), X, Y, optimizer="adam", epochs=5)
    assert [record.epoch for record in run.history] == [1, 2, 3, 4, 5]
    assert run.history[-1].epoch == 5
    assert len(run.history[1:3]) == 2
    assert run.history[0].validation_loss is None
    assert run.updates == 5 * 2
    with pytest.raises(IndexError):
        run.history[5]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a positive whole number, not 0"),
        ({"epochs": 2.5}, "epochs must be a positive whole number"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"loss": "squared"}, "did you mean 'squared_error'"),
        ({"loss": "binary_cross_entropy"}, "needs 'sigmoid' as output activation, not 'identity'"),
        ({"learning_rate": -1.0}, "learning_rate must be a positive number"),
        ({"l2": -1.0}, "l2 must be 0 or a positive number"),
        ({"patience": -1}, "patience must be"),
        ({"time_limit": 0}, "time_limit must be a positive number"),
        ({"threads": 0}, "threads must be"),
        ({"seed": -4}, "seed must be a whole number"),
        ({"restarts": -1}, "restarts must be a whole number, 0 or larger"),
        ({"optimizer": "lbfgs", "learning_rate": 0.1}, "lbfgs finds its own step length"),
        ({"max_gradient_norm": 0}, "max_gradient_norm must be a positive number"),
        ({"sample_weight": np.zeros(37)}, "all sample weights are 0"),
        ({"sample_weight": np.ones(3)}, "sample_weight must hold 37"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_settings_are_refused_in_one_sentence(changed, message):
    with pytest.raises(InputError, match=message) as caught:
        aw.train(_network(), X, Y, **changed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (X[:, :2], Y, r"shape \(rows, 3\)"),
        (X, Y[:5], r"shape \(37, 1\)"),
        (X[:0], Y[:0], "no rows"),
        (np.where(X > 2, np.nan, X), Y, "inputs contain nan in row"),
        (X * np.inf, Y, "inputs contain -?inf in row 0, column 0"),
        (X, np.full_like(Y, np.inf), "NaN or infinity"),
        (X, np.array(["a"] * 37), "number the classes"),
        ("text", Y, "cannot be turned into"),
    ],
)
def test_bad_data_is_refused_in_one_sentence(inputs, targets, message):
    with pytest.raises(InputError, match=message):
        aw.train(_network(), inputs, targets)


def test_classes_must_be_numbered():
    network = aw.Network([aw.Dense(3, "softmax")], 3)
    with pytest.raises(InputError, match="whole numbers from 0 to 2"):
        aw.train(network, X, np.full(37, 3), loss="categorical_cross_entropy")
    with pytest.raises(InputError, match="softmax on a single output unit"):
        aw.train(aw.Network([aw.Dense(1, "softmax")], 3), X, np.zeros(37), loss="squared_error")


def test_lbfgs_refuses_dropout():
    network = aw.Network([aw.Dense(3, "tanh"), aw.Dropout(0.5), aw.Dense(1)], 3)
    with pytest.raises(InputError, match="dropout"):
        aw.train(network, X, Y, optimizer="lbfgs")


TORCH_RULES = [
    ("Adam", {"lr": 0.01}, Adam(0.01)), ("Adamax", {"lr": 0.01}, Adamax(0.01)), ("NAdam", {"lr": 0.01}, Nadam(0.01)),
    ("Adadelta", {"lr": 0.5}, Adadelta(0.5)), ("RMSprop", {"lr": 0.01}, RMSprop(0.01)),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.1}, Adagrad(0.1, initial_accumulator=0.1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "ours"), TORCH_RULES, ids=[each[0] for each in TORCH_RULES])
def test_rules_and_batch_normalisation_against_pytorch(name, options, ours):
    torch = pytest.importorskip("torch")
    layers = [
        aw.BatchNorm(epsilon=1e-5),
        aw.Dense(5),
        aw.BatchNorm(epsilon=1e-5),
        aw.ActivationLayer("tanh"),
        aw.Dense(1),
    ]
    network = aw.Network(layers, 3, dtype="float64").initialised(4)
    # With momentum None, PyTorch averages over all batches so far, as ours does over the first hundred.
    peer = torch.nn.Sequential(
        torch.nn.BatchNorm1d(3, momentum=None), torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5, momentum=None),
        torch.nn.Tanh(), torch.nn.Linear(5, 1),
    ).double()  # fmt: skip
    with torch.no_grad():
        for k, linear in enumerate((peer[1], peer[4])):
            linear.weight[:] = torch.tensor(network.weights[k].T.copy())
            linear.bias[:] = torch.tensor(network.biases[k].copy())
    steps = getattr(torch.optim, name)(peer.parameters(), **options)
    for _ in range(6):
        for start in range(0, len(X), 8):
            steps.zero_grad()
            out = peer(torch.tensor(X[start : start + 8]))
            (((out - torch.tensor(Y[start : start + 8])) ** 2).sum(1) / 2).mean().backward()
            steps.step()
    run = aw.train(network, X, Y, optimizer=ours, batch_size=8, epochs=6, shuffle=False, keep_parameters=True)
    peer.eval()
    expected = peer(torch.tensor(X)).detach().numpy()
    np.testing.assert_allclose(run.network.predict(X), expected, rtol=1e-8, atol=1e-9)


def test_batch_normalisation_keeps_what_validation_found_best():
    """The averages belong to the parameters: the network of the best epoch predicts with those of that epoch."""
    network = aw.Network([aw.Dense(5, "tanh"), aw.BatchNorm(), aw.Dense(1)], 3, dtype="float64")
    validation = (X[:9], -Y[:9])  # gets worse as training goes on
    run = aw.train(network, X[9:], Y[9:], optimizer=Adam(0.05), epochs=60, batch_size=7, validation=validation, seed=1)
    kept = np.mean((run.network.predict(validation[0]) - validation[1]) ** 2) / 2
    assert run.best_epoch < 60
    assert kept == pytest.approx(run.history.validation_losses.min(), rel=1e-12)


@pytest.mark.parametrize("n_rows", [300, 257, 129])
def test_threads_change_no_bit_of_large_batches(n_rows):
    """A batch is worked through in two halves with one thread and with two; the last batch is smaller."""
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(n_rows, 60)), rng.normal(size=(n_rows, 3))
    network = aw.Network([aw.Dense(80, "gelu"), aw.Dense(70, "prelu"), aw.Dense(3)], n_inputs=60)
    settings = {"optimizer": aw.Adam(0.003), "batch_size": 128, "epochs": 6, "l2": 1e-3, "max_gradient_norm": 1.0}
    weights = rng.uniform(0.5, 2, n_rows)
    alone, shared = (aw.train(network, X, y, threads=threads, sample_weight=weights, **settings) for threads in (1, 2))
    np.testing.assert_array_equal(alone.network.values, shared.network.values)
    np.testing.assert_array_equal(alone.history.training_losses, shared.history.training_losses)
    assert np.all(np.diff(alone.history.training_losses) < 0)


def test_the_halves_of_a_batch_have_its_gradient(monkeypatch):
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(101, 5)), rng.normal(size=(101, 2))
    network = aw.Network([aw.Dense(9, "tanh"), aw.Dense(2)], n_inputs=5, dtype="float64")
    settings = {"optimizer": aw.SGD(0.05), "batch_size": 31, "epochs": 5}
    whole = aw.train(network, X, y, **settings)
    monkeypatch.setattr(halves, "HALVES_WORK", 1)
    for threads in (1, 2):
        halved = aw.train(network, X, y, threads=threads, **settings)
        np.testing.assert_allclose(halved.network.values, whole.network.values, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(halved.history.training_losses, whole.history.training_losses, rtol=1e-12)


def test_a_crew_follows_the_faster_pace_and_tries_the_other_now_and_then():
    thread_choice = progress.ThreadChoice(two_allowed=True)
    chosen = []
    for call in range(100):
        threads = thread_choice.threads()
        chosen.append(threads)
        two_are_faster = call < 50
        thread_choice.took(threads, 1.0 if (threads == 2) == two_are_faster else 2.0)
    assert chosen[3:16].count(2) >= 12
    assert chosen[70:].count(1) >= 27
    assert {*chosen[3:50]} == {*chosen[70:]} == {1, 2}
    assert progress.ThreadChoice(two_allowed=False).threads() == 1
