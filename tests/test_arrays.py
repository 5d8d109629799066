"""Whatever is handed in works, with the bits of a plain array, or is refused in one clear sentence."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

import actwise as aw
from actwise.errors import ActwiseWarning, InputError

ROWS = np.arange(20, dtype=np.float32).reshape(10, 2) / 8
Y = np.linspace(-1, 1, 10, dtype=np.float32)
NETWORK = aw.Network([aw.Dense(3, "tanh"), aw.Dense(1)], n_inputs=2)


def _train(X=ROWS, y=Y, network=NETWORK, **settings):
    return aw.train(network, X, y, **{"optimizer": "sgd", "epochs": 2, **settings})


def _read_only():
    array = ROWS.copy()
    array.flags.writeable = False
    return array


SAME_ROWS = {
    "Fortran order": np.asfortranarray(ROWS),
    "every second row": np.repeat(ROWS, 2, axis=0)[::2],
    "every second column": np.repeat(ROWS, 2, axis=1)[:, ::2],
    "backward rows": ROWS[::-1].copy()[::-1],
    "backward columns": ROWS[:, ::-1].copy()[:, ::-1],
    "read-only": _read_only(),
    "unaligned": np.frombuffer(b"x" + ROWS.tobytes(), np.uint8)[1:].view(np.float32).reshape(10, 2),
    "big-endian": ROWS.astype(">f4"),
    "float16": ROWS.astype(np.float16),  # the rows are multiples of 1/8
    "float64": ROWS.astype(np.float64),
    "long double": ROWS.astype(np.longdouble),
    "object": ROWS.astype(object),
    "text of numbers": ROWS.astype(str),
    "list": ROWS.tolist(),
    "pandas": pd.DataFrame(ROWS),
    "polars": pl.DataFrame(ROWS),
    "masked, nothing masked": np.ma.masked_array(ROWS),
}


@pytest.mark.parametrize("name", SAME_ROWS)
def test_the_same_rows_in_another_form_give_the_same_bits(name):
    given = SAME_ROWS[name]
    expected = _train().network
    np.testing.assert_array_equal(_train(X=given).network.values, expected.values)
    np.testing.assert_array_equal(expected.predict(given), expected.predict(ROWS))


@pytest.mark.parametrize(
    "given", [Y[:, None], Y.astype(np.float64), list(map(float, Y)), np.repeat(Y, 2)[::2], Y[::-1].copy()[::-1],
              pd.Series(Y), pd.DataFrame(Y), pl.Series(Y)],
)  # fmt: skip
def test_the_same_targets_in_another_form_give_the_same_bits(given):
    np.testing.assert_array_equal(_train(y=given).network.values, _train().network.values)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64])
def test_whole_numbers_are_taken_as_they_are(dtype):
    given = (np.arange(20).reshape(10, 2) % 2).astype(dtype)
    expected = _train(X=given.astype(np.float32)).network
    np.testing.assert_array_equal(_train(X=given).network.values, expected.values)


REFUSED_ROWS = [
    (ROWS + 1j, "X holds complex numbers"),
    (np.full((10, 2), "2020-01-01", "M8[D]"), "X holds dates"),
    (np.full((10, 2), 3, "m8[s]"), "X holds time spans"),
    (np.full((10, 2), 1e300), "X holds a number beyond 3.4e[+]38, the largest float32; scale it down"),
    ([[10**400, 1]] * 10, "X holds a number beyond"),
    (np.ma.masked_array(ROWS, ROWS > 1), "X has masked entries"),
    (scipy.sparse.csr_array(ROWS), "X is a sparse matrix"),
    (np.array([["a", "b"]] * 10), "X cannot be turned into an array of numbers"),
    (np.array([["a", 1]] * 10, object), "X cannot be turned into an array of numbers"),
    ([[1, 2], [3]], "X cannot be turned into an array of numbers"),
    (pd.DataFrame({"a": ["x"] * 10, "b": 1.0}), "X cannot be turned into an array of numbers"),
    ({"a": 1}, "X cannot be turned into an array of numbers"),
    (ROWS[:, 0], r"X must have the shape \(rows, 2\) for this network, not \(10,\)"),
    (ROWS[None], r"X must have the shape \(rows, 2\)"),
    (np.ones((10, 3)), r"X must have the shape \(rows, 2\)"),
    (np.ones((10, 0)), r"X must have the shape \(rows, 2\)"),
    (None, r"X must have the shape \(rows, 2\)"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED_ROWS, ids=[message for _, message in REFUSED_ROWS])
def test_rows_that_cannot_be_used_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        _train(X=given)
    with pytest.raises(InputError, match=message):
        NETWORK.predict(given)


def test_no_rows_are_refused_in_training_and_predicted_as_none():
    with pytest.raises(InputError, match="there are no rows to train on"):
        _train(X=ROWS[:0], y=Y[:0])
    assert NETWORK.predict(ROWS[:0]).shape == (0, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_training_names_the_place_of_a_number_that_is_not_finite(bad):
    rows = ROWS.copy()
    rows[4, 1] = bad
    with pytest.raises(InputError, match=r"the inputs contain -?(nan|inf) in row 4, column 1"):
        _train(X=rows)


def test_the_largest_numbers_end_the_training_and_keep_the_initial_weights():
    with pytest.warns(ActwiseWarning, match="nothing was learned"):
        run = _train(X=np.full((10, 2), 3e38, np.float32), network=aw.Network([aw.Dense(1)], n_inputs=2))
    assert run.stopped_because == "loss is not finite"
    assert np.all(np.isfinite(run.network.values))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Y[:5], "the targets must have the shape"),
        (np.ones(11), "the targets must have the shape"),
        (np.ones((10, 2)), "the targets must have the shape"),
        (1.0, "the targets must have the shape"),
        (np.array(["a"] * 10), "y cannot be turned into an array of numbers"),
        (Y + 1j, "y holds complex numbers"),
        (np.full(10, 1e300), "y holds a number beyond"),
        (np.where(np.arange(10) == 2, np.nan, 1), "the targets contain NaN or infinity"),
    ],
)
def test_targets_that_cannot_be_used_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        _train(y=given)


def test_text_as_classes_gets_a_hint():
    network = aw.Network([aw.Dense(3, "softmax")], n_inputs=2)
    with pytest.raises(InputError, match="number the classes from 0"):
        _train(network=network, y=list("abcabcabca"), loss="cross_entropy")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a positive whole number, not 0"),
        ({"batch_size": -3}, "batch_size must be"),
        ({"batch_size": 2.5}, "batch_size must be"),
        ({"batch_size": None}, "batch_size must be"),
        ({"batch_size": True}, "batch_size must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"threads": 0}, "threads must be"),
        ({"threads": "2"}, "threads must be"),
        ({"threads": 2.5}, "threads must be"),
        ({"seed": -1}, "seed must be a whole number, 0 or larger"),
        ({"seed": "a"}, "seed must be"),
        ({"l2": "a"}, "l2 must be 0 or a positive number"),
        ({"l2": np.nan}, "l2 must be"),
        ({"tolerance": None}, "tolerance must be"),
        ({"patience": 2.5}, "patience must be"),
        ({"time_limit": "a"}, "time_limit must be a positive number"),
        ({"max_gradient_norm": None}, "max_gradient_norm must be a positive number"),
        ({"shuffle": "no"}, "shuffle must be True or False"),
        ({"restarts": -1}, "restarts must be"),
        ({"batchsize": 3}, "train has no setting 'batchsize'; did you mean 'batch_size'"),
        ({"loss": 3}, "unknown loss 3"),
        ({"network": "a net"}, "the network must be an aw.Network, not str"),
        ({"validation": (ROWS,)}, "validation must be a pair"),
        ({"validation": (ROWS, Y[:3])}, "the validation targets must have the shape"),
        ({"sample_weight": ["a"] * 10}, "sample_weight cannot be turned into an array of numbers"),
        ({"sample_weight": [1e300] * 10}, "sample_weight holds a number beyond"),
        ({"sample_weight": [-1] * 10}, "sample_weight must hold 10 finite numbers"),
        ({"sample_weight": [1] * 3}, "sample_weight must hold 10 finite numbers"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        _train(**settings)


@pytest.mark.parametrize("threads", [1, 2, 100, 10**9, None])
def test_any_number_of_threads_gives_the_same_network(threads):
    np.testing.assert_array_equal(_train(threads=threads).network.values, _train().network.values)


@pytest.mark.parametrize("batch_size", [10, 11, 10**12])
def test_a_batch_larger_than_the_data_is_the_data(batch_size):
    np.testing.assert_array_equal(_train(batch_size=batch_size).network.values, _train(batch_size=10).network.values)
