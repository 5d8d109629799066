"""Hand-written networks: every planted mistake is named, and nothing is said of correct ones."""

import numpy as np
import pytest

import actwise as aw
from actwise.errors import InputError

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
XOR, AND = (np.array(t, float).reshape(4, 1) for t in ([0, 1, 1, 0], [0, 0, 0, 1]))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


PAIRS = {  # activation: value, slope by pre-activation, slope by output
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x)), lambda y: y * (1 - y)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, lambda y: 1 - y**2),
    "softplus": (lambda x: np.log1p(np.exp(x)), sigmoid, lambda y: 1 - np.exp(-y)),
}


class Program:
    """A 2-h-1 network as people write it, with what goes wrong as options."""

    def __init__(self, hidden="tanh", output="sigmoid", mistake="", units=3, bias=True):
        self.h, self.dh_x, self.dh_y = PAIRS[hidden]
        self.o, self.do_x, self.do_y = PAIRS[output]
        self.mistake, self.units, self.bias = mistake, units, bias

    def start(self, seed=0):
        rng = np.random.default_rng(seed)
        shapes = [(2, self.units), (self.units,), (self.units, 1), (1,)]
        drawn = [rng.normal(size=shape) for shape in shapes]
        return drawn if self.bias else drawn[::2]

    def split(self, p):
        return p if self.bias else [p[0], 0.0, p[1], 0.0]

    def forward(self, p, rows):
        w1, b1, w2, b2 = self.split(p)
        return self.o(self.h(rows @ w1 + b1) @ w2 + b2)

    def gradient(self, p, rows, t):
        w1, b1, w2, b2 = self.split(p)
        z1 = rows @ w1 + b1
        a1 = self.h(z1)
        z2 = a1 @ w2 + b2
        y = self.o(z2)
        slope = {"hidden_x_given_y": self.dh_x(a1), "hidden_y_given_x": self.dh_y(z1), "hidden_missing": 1.0}.get(
            self.mistake, self.dh_x(z1)
        )
        last = {"output_x_given_y": self.do_x(y), "output_missing": 1.0}.get(self.mistake, self.do_x(z2))
        d2 = (y - t) * last
        back = np.repeat(y - t, self.units, axis=1) if self.mistake == "raw_error" else d2 @ w2.T
        d1 = back * slope
        found = [rows.T @ d1, d1.sum(0), a1.T @ d2, d2.sum(0)]
        sign = -1 if self.mistake == "sign" else 1
        scale = 0.25 if self.mistake == "mean" else 1.0
        return [sign * scale * each for each in (found if self.bias else found[::2])]

    def diagnosed(self, t=XOR, **options):
        return aw.diagnose_functions(self.forward, self.gradient, self.start(), X, t, **options)


@pytest.mark.parametrize("hidden", PAIRS)
@pytest.mark.parametrize("output", ["sigmoid", "tanh"])
@pytest.mark.parametrize(
    ("mistake", "cause"),
    [
        ("hidden_x_given_y", "wrong_convention_expects_x_given_y"),
        ("hidden_y_given_x", "wrong_convention_expects_y_given_x"),
        ("output_x_given_y", "wrong_convention_expects_x_given_y"),
        ("output_missing", "missing_factor"),
        ("hidden_missing", "missing_factor"),
        ("raw_error", "wrong_formula"),
        ("sign", "wrong_sign"),
    ],
)
def test_every_planted_mistake_is_named(hidden, output, mistake, cause):
    # With a sigmoid, the error without the derivative is the cross-entropy's: only who names the loss hears of it.
    found = Program(hidden, output, mistake).diagnosed(loss="squared_error" if mistake == "output_missing" else None)
    assert found.verdict == "broken"
    assert found.cause == cause


@pytest.mark.parametrize("hidden", PAIRS)
@pytest.mark.parametrize("mistake", ["", "mean"])
def test_correct_programs_are_left_alone(hidden, mistake):
    found = Program(hidden, "sigmoid", mistake).diagnosed()
    assert found.verdict == "correct", str(found)
    assert "Nothing is wrong" in str(found)


def test_the_convention_is_told_in_words():
    found = Program("sigmoid", "sigmoid", "hidden_x_given_y").diagnosed()
    assert "expects the pre-activation and is given the output" in found.findings[0].evidence
    assert found.findings[0].arrays == ("parameters[0]", "parameters[1]")


def test_equal_weights_stay_equal():
    program = Program()
    start = [np.full_like(each, 0.5) for each in program.start()]
    found = aw.diagnose_functions(program.forward, program.gradient, start, X, XOR)
    assert found.cause == "init"


def test_a_missing_bias_is_seen_where_an_input_is_zero():
    def forward(p, rows):
        return sigmoid(rows @ p[0])

    def gradient(p, rows, t):
        y = forward(p, rows)
        return [rows.T @ ((y - t) * y * (1 - y))]

    found = aw.diagnose_functions(forward, gradient, [np.array([[0.3], [-0.2]])], X, AND)
    assert found.cause == "missing_bias"
    assert "0.5" in str(found)


def test_targets_out_of_reach_are_seen():
    assert Program("tanh", "sigmoid").diagnosed(np.array([[0], [5], [3], [9.0]])).cause == "output_activation_mismatch"


def test_a_hidden_layer_without_nonlinearity_cannot_learn_xor():
    def forward(p, rows):
        return sigmoid((rows @ p[0] + p[1]) @ p[2] + p[3])

    def gradient(p, rows, t):
        hidden = rows @ p[0] + p[1]
        y = sigmoid(hidden @ p[2] + p[3])
        d2 = (y - t) * y * (1 - y)
        d1 = d2 @ p[2].T
        return [rows.T @ d1, d1.sum(0), hidden.T @ d2, d2.sum(0)]

    start = Program().start()
    assert aw.diagnose_functions(forward, gradient, start, X, XOR).cause == "missing_nonlinearity"
    assert aw.diagnose_functions(forward, gradient, start, X, AND).verdict == "correct"


def test_a_rate_that_is_too_high_is_found_by_running():
    found = Program("sigmoid", "sigmoid").diagnosed(AND, learning_rate=500.0, epochs=1500)
    assert found.cause == "learning_rate_too_high"
    assert found.learns is False


@pytest.mark.parametrize(
    ("rate", "epochs", "cause", "fix"),
    [(1e-3, 1500, "learning_rate_too_low", "a rate of"), (500.0, 1500, "learning_rate_too_high", "a rate of"),
     (2.0, 50, "undertrained", "500 epochs")],
)  # fmt: skip
def test_a_training_that_is_too_slow_or_too_short_is_found_by_running(rate, epochs, cause, fix):
    program = Program("sigmoid" if epochs == 50 else "tanh", "sigmoid")
    found = program.diagnosed(learning_rate=rate, epochs=epochs)
    assert found.cause == cause, str(found)
    assert fix in str(found)


def test_a_start_that_is_bad_luck_and_a_run_that_nothing_helps_end_with_what_to_do():
    program = Program()
    start = program.start(1)  # its loss comes to rest elsewhere, that of other starts does not
    unlucky = aw.diagnose_functions(program.forward, program.gradient, start, X, XOR, learning_rate=0.5, epochs=300)
    hopeless = program.diagnosed(learning_rate=0.1, epochs=50)
    for found, words in ((unlucky, "bad luck"), (hopeless, "no other rate or length")):
        assert (found.verdict, found.learns, found.findings) == ("correct", False, ())
        text = " ".join(str(found).split())
        start = "Its gradient is that of half the squared error, summed over the rows, but it did not learn."
        assert text.startswith(start)
        assert words in text
        assert "What to do" in text
        assert "Nothing is wrong" not in text


def test_a_positive_factor_is_no_mistake_however_the_loss_is_given():
    program = Program(mistake="mean")

    def loss(outputs, wanted):
        return 0.5 * np.sum((outputs - wanted) ** 2)

    def stepping(rate):
        return lambda p, rows, t: [a - rate * g for a, g in zip(p, program.gradient(p, rows, t), strict=True)]

    assert program.diagnosed(loss=loss).verdict == "correct"
    for rate in (0.3, 0.7, 3.0):
        found = aw.diagnose_functions(program.forward, None, program.start(), X, XOR, step=stepping(rate), loss=loss)
        assert found.verdict == "correct", str(found)


def test_outputs_that_are_not_finite_at_the_start():
    def forward(p, rows):
        with np.errstate(over="ignore"):
            return np.exp(rows @ p[0] + p[1])

    def gradient(p, rows, t):
        y = forward(p, rows)
        return [rows.T @ ((y - t) * y), ((y - t) * y).sum(0)]

    start = [np.full((2, 1), 900.0), np.zeros(1)]
    found = aw.diagnose_functions(forward, gradient, start, X, AND)
    assert "exploding_gradient" in [each.code for each in found.findings]


def test_a_step_in_place_of_a_gradient():
    program = Program("sigmoid", "sigmoid", "hidden_x_given_y")

    def step(p, rows, t):
        return [a - 0.7 * g for a, g in zip(p, program.gradient(p, rows, t), strict=True)]

    found = aw.diagnose_functions(program.forward, None, program.start(), X, XOR, step=step)
    assert found.cause == "wrong_convention_expects_x_given_y"


def test_derivatives_can_be_handed_over_by_themselves():
    found = Program().diagnosed(derivatives=[(np.tanh, lambda x: 1 - np.tanh(x) ** 2, "y")])
    assert found.cause == "wrong_convention_expects_x_given_y"


def test_bad_input_is_refused_in_one_sentence():
    program = Program()
    with pytest.raises(InputError, match="either gradient"):
        aw.diagnose_functions(program.forward, None, program.start(), X, XOR)
    with pytest.raises(InputError, match="as many rows"):
        aw.diagnose_functions(program.forward, program.gradient, program.start(), X, XOR[:2])
    with pytest.raises(InputError, match="NaN"):
        aw.diagnose_functions(program.forward, program.gradient, program.start(), X * np.nan, XOR)
    with pytest.raises(InputError, match=r"outputs of shape \(4, 1\)"):
        aw.diagnose_functions(program.forward, program.gradient, program.start(), X, np.zeros((4, 2)))
    with pytest.raises(InputError, match="'squared_error', 'cross_entropy'"):
        program.diagnosed(loss="squared")
    with pytest.raises(InputError, match=r"\(1, 4\) for 4 rows: .*\(4, n_outputs\) or \(4,\); write `\.T`"):
        aw.diagnose_functions(lambda p, rows: program.forward(p, rows).T, program.gradient, program.start(), X, XOR)


# The shape of the targets


def mean_squared(outputs, wanted):
    return np.mean((outputs - wanted) ** 2)


def test_targets_are_handed_over_as_they_are():
    program = Program()

    def gradient(p, rows, t):
        assert t is given
        return program.gradient(p, rows, np.reshape(t, (-1, 1)))

    for given in ([0, 1, 1, 0], XOR.ravel().astype(np.int8)):
        found = aw.diagnose_functions(program.forward, gradient, program.start(), X, given)
        assert found.verdict == "correct", str(found)  # it brings them into shape itself


@pytest.mark.parametrize("loss", [None, mean_squared])
def test_a_row_of_targets_that_is_broadcast_against_a_column_of_outputs(loss):
    program = Program()
    found = aw.diagnose_functions(
        program.forward, program.gradient, program.start(), X, XOR.ravel(), loss=loss, learning_rate=0.5
    )
    assert (found.verdict, found.cause) == ("broken", "broadcast")
    assert "(4, 1) and y has the shape (4,)" in found.findings[0].evidence
    assert "broadcast to (4, 4)" in found.findings[0].evidence
    assert "`y = y.reshape(-1, 1)`" in found.findings[0].fix
    assert len(found.findings) == 1  # nothing else is wrong
    assert found.learns is None


def test_a_loss_alone_that_broadcasts():
    program = Program()

    def forward(p, rows):
        return program.forward(p, rows)[:, 0]

    found = aw.diagnose_functions(forward, program.gradient, program.start(), X, XOR, loss=mean_squared)
    assert [each.code for each in found.findings] == ["broadcast"]
    assert "`y = y.reshape(outputs.shape)`" in str(found)  # the line to write is in one line
    assert "in the loss" in found.findings[0].evidence
    flat = aw.diagnose_functions(
        forward, lambda p, rows, t: program.gradient(p, rows, t[:, None]), program.start(), X, XOR.ravel(),
        loss=mean_squared,
    )  # fmt: skip
    assert flat.verdict == "correct", str(flat)


def test_another_mistake_is_found_behind_a_broadcast():
    program = Program("sigmoid", "sigmoid", "hidden_x_given_y")
    found = aw.diagnose_functions(program.forward, program.gradient, program.start(), X, XOR.ravel())
    assert [each.code for each in found.findings] == ["broadcast", "wrong_convention_expects_x_given_y"]


# Which loss a gradient belongs to


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class Classifier:
    """A network of tanh units and an output, whose gradient begins with the error as it is."""

    def __init__(self, output, n_outputs, divisor=1.0, mistake=""):
        self.output, self.divisor, self.mistake = output, divisor, mistake
        rng = np.random.default_rng(0)
        self.start = [rng.normal(size=shape) for shape in [(3, 5), (5,), (5, n_outputs), (n_outputs,)]]
        self.X = rng.normal(size=(20, 3))
        self.classes = rng.integers(0, max(2, n_outputs), 20)

    def forward(self, p, rows):
        return self.output(np.tanh(rows @ p[0] + p[1]) @ p[2] + p[3])

    def gradient(self, p, rows, t):
        h = np.tanh(rows @ p[0] + p[1])
        y = self.forward(p, rows)
        if t.ndim == 1:
            t = np.eye(y.shape[1])[t]
        d2 = (y - t) / self.divisor
        d1 = d2 @ p[2].T * (1 - (np.tanh(h) if self.mistake else h) ** 2)
        return [rows.T @ d1, d1.sum(0), h.T @ d2, d2.sum(0)]

    def diagnosed(self, y, **options):
        return aw.diagnose_functions(self.forward, self.gradient, self.start, self.X, y, **options)


@pytest.mark.parametrize(("divisor", "size"), [(1, "summed over the rows"), (20, "its mean over the rows")])
@pytest.mark.parametrize("output", ["sigmoid", "softmax", "indices"])
def test_the_error_itself_is_the_gradient_of_the_cross_entropy(output, divisor, size):
    program = Classifier(sigmoid, 1, divisor) if output == "sigmoid" else Classifier(softmax, 3, divisor)
    y = {"sigmoid": program.classes[:, None], "softmax": np.eye(3)[program.classes % 3], "indices": program.classes}
    found = program.diagnosed(y[output])
    assert found.verdict == "correct", str(found)
    assert found.loss == f"the cross-entropy, {size}"
    assert found.loss in " ".join(str(found).split())
    assert program.diagnosed(y[output], loss="cross_entropy").verdict == "correct"
    assert program.diagnosed(y[output], loss="squared_error").verdict == "broken"


@pytest.mark.parametrize(
    ("factor", "name"),
    [(1, "half the squared error, summed over the rows"), (2, "the squared error, summed over the rows"),
     (1 / 4, "half the squared error, its mean over the rows"), (2 / 4, "the squared error, its mean over the rows"),
     (0.3, "the squared error, but for a constant factor")],
)  # fmt: skip
def test_the_size_of_the_squared_error_is_told(factor, name):
    program = Program()
    found = aw.diagnose_functions(
        program.forward, lambda *given: [factor * each for each in program.gradient(*given)], program.start(), X, XOR
    )
    assert (found.verdict, found.loss) == ("correct", name)
    assert found.to_dict()["loss"] == name


def test_a_mistake_in_the_hidden_layer_is_found_behind_a_cross_entropy():
    program = Classifier(sigmoid, 1, mistake="tanh of the output")
    found = program.diagnosed(program.classes[:, None])
    assert found.cause == "wrong_convention_expects_x_given_y"
    assert "those of the cross-entropy: in the hidden layers" in found.findings[0].evidence
    rows = Classifier(softmax, 3, mistake="tanh of the output")
    assert rows.diagnosed(rows.classes).cause == "wrong_convention_expects_x_given_y"


def test_the_way_from_a_wrong_sign_and_the_error_itself_is_told():
    program = Classifier(sigmoid, 1, divisor=-1.0)
    assert program.diagnosed(program.classes[:, None]).cause == "wrong_sign"


@pytest.mark.parametrize("shape", [(3, 5), (2, 4), (4, 4)])
@pytest.mark.parametrize("transposed", [False, True])
def test_units_that_start_alike_are_counted_along_their_own_axis(shape, transposed):
    n_inputs, n_units = shape
    rows = np.random.default_rng(0).normal(size=(6, n_inputs))

    def turned(p):
        return [each.T for each in p] if transposed else p

    def forward(p, given):
        w1, b1, w2, b2 = turned(p)
        return np.tanh(given @ w1 + b1) @ w2 + b2

    def gradient(p, given, t):
        w1, b1, w2, _ = turned(p)
        h = np.tanh(given @ w1 + b1)
        d2 = forward(p, given) - t
        d1 = d2 @ w2.T * (1 - h**2)
        return turned([given.T @ d1, d1.sum(0), h.T @ d2, d2.sum(0)])

    start = turned([np.zeros(shape), np.zeros(n_units), np.zeros((n_units, 1)), np.zeros(1)])
    found = aw.diagnose_functions(forward, gradient, start, rows, rows[:, :1])
    assert found.cause == "init", str(found)
    assert f"all {n_units} units of array 0" in found.findings[0].evidence
