"""The whole examination, on small networks whose fault is known, and on healthy ones."""

import itertools
import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import actwise as aw
from actwise.doctor.adapters import adapt, describe
from actwise.doctor.causes import Suspicion
from actwise.doctor.conclusion import conclude
from actwise.doctor.data import Data
from actwise.doctor.diagnosis import Diagnosis
from actwise.doctor.examine import examine
from actwise.doctor.reference import Reference
from actwise.doctor.search import Cure, Tried
from actwise.doctor.setup import Outcome, Setup
from actwise.doctor.standard import with_standard_network
from actwise.doctor.targets import as_targets
from actwise.errors import InputError
from actwise.experiments.budget import Budget

RNG = np.random.default_rng(0)
CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
XOR = np.array([0, 1, 1, 0])
SIGNS = 2 * CORNERS - 1
GRID = np.linspace(-1, 1, 20).reshape(-1, 1)
WAVE = np.sin(3 * GRID[:, 0])
X = RNG.normal(size=(300, 3))
NUMBERS = np.tanh(X[:, 0]) + X[:, 1] * X[:, 2]
LABELS = (X[:, 0] * X[:, 1] > 0).astype(float)
# Problems of a few rows: an examination then takes a second, most of it for dozens of trainings.
SETTINGS = {"optimizer": "adam", "learning_rate": 0.03, "epochs": 600, "batch_size": 4}
CROSS_ENTROPY = {"loss": "binary_cross_entropy"}


def net(*layers, n_inputs=2):
    return aw.Network(list(layers), n_inputs)


GOOD = net(aw.Dense(12, "tanh"), aw.Dense(1, "sigmoid"))
FOR_NUMBERS = net(aw.Dense(12, "tanh"), aw.Dense(1), n_inputs=1)
FOR_MANY = net(aw.Dense(12, "tanh"), aw.Dense(1, "sigmoid"), n_inputs=3)


@pytest.mark.parametrize(
    ("network", "inputs", "targets", "loss"),
    [
        (GOOD, CORNERS, XOR, "binary_cross_entropy"),
        (net(aw.Dense(12, "tanh"), aw.Dense(2, "softmax")), CORNERS, XOR, "categorical_cross_entropy"),
        (FOR_NUMBERS, GRID, WAVE, "squared_error"),
        (net(aw.Dense(12), aw.BatchNorm(), aw.ActivationLayer("tanh"), aw.Dense(1), n_inputs=1), GRID, WAVE,
         "squared_error"),
    ],
)  # fmt: skip
def test_healthy_networks_are_called_healthy(network, inputs, targets, loss):
    found = aw.diagnose(network, inputs, targets, loss=loss, **(SETTINGS | {"batch_size": 20}))
    assert found.verdict == "healthy", str(found)
    assert "healthy" in str(found)
    with pytest.raises(InputError, match="nothing to repair"):
        found.fixed()


@pytest.mark.parametrize(
    ("network", "inputs", "targets", "changed", "causes"),
    [
        (net(aw.Dense(12, "tanh"), aw.Dense(1, "sigmoid"), n_inputs=1), GRID, WAVE, {"loss": "squared_error"},
         {"output_activation_mismatch"}),
        (net(aw.Dense(12, "tanh"), aw.Dense(1, "softmax")), CORNERS, XOR, CROSS_ENTROPY,
         {"output_activation_mismatch"}),
        (net(aw.Dense(12), aw.Dense(1, "sigmoid")), CORNERS, XOR, CROSS_ENTROPY,
         {"missing_nonlinearity", "hidden_activation"}),
        (GOOD, CORNERS, XOR, CROSS_ENTROPY | {"learning_rate": 1e-5},
         {"learning_rate_too_low", "optimizer", "undertrained"}),
        (GOOD, CORNERS, XOR, CROSS_ENTROPY | {"learning_rate": 100.0}, {"learning_rate_too_high", "optimizer"}),
        (net(aw.Dense(12, "tanh", init=aw.Constant(0.3)), aw.Dense(1, "sigmoid", init=aw.Constant(0.3))), CORNERS, XOR,
         CROSS_ENTROPY, {"init"}),
        (net(aw.Dense(1, "sigmoid", bias=False)), CORNERS, np.array([0, 0, 0, 1]), CROSS_ENTROPY, {"missing_bias"}),
        (FOR_NUMBERS, GRID * 1000 + 5000, WAVE, {"loss": "squared_error"}, {"unscaled_inputs"}),
    ],
    ids=["sigmoid_for_numbers", "softmax_of_one", "linear_hidden", "rate_low", "rate_high", "equal_weights", "no_bias",
         "unscaled"],
)  # fmt: skip
def test_planted_faults_are_named_and_repaired(network, inputs, targets, changed, causes):
    found = aw.diagnose(network, inputs, targets, **(SETTINGS | changed))
    assert found.verdict == "broken"
    assert found.findings[0].code in causes, str(found)
    assert found.cured, str(found)
    assert np.median(found.scores_after) > np.median(found.scores) + 0.1
    repaired = found.fixed(seed=77)
    assert found.data is not None
    said = repaired.predict(inputs)[found.data.test]
    assert found.data.task.score(said, found.data.test) == pytest.approx(repaired.score)


def test_targets_without_signal_are_hopeless():
    noise = RNG.integers(0, 2, 300)
    found = aw.diagnose(FOR_MANY, X, noise, **(SETTINGS | CROSS_ENTROPY | {"epochs": 20, "batch_size": 32}))
    assert found.verdict == "hopeless"
    assert found.findings[0].code == "no_signal"


def test_bad_luck_with_a_tiny_network_is_told_with_its_rate():
    found = aw.diagnose(net(aw.Dense(2, "relu"), aw.Dense(1, "sigmoid")), SIGNS, XOR, **(SETTINGS | CROSS_ENTROPY))
    assert 0 < found.failing_share < 1
    assert f"{found.failing_share:.0%} of the seeds" in str(found)
    lucky = aw.diagnose(net(aw.Dense(3, "tanh"), aw.Dense(1, "sigmoid")), CORNERS, XOR, **(SETTINGS | CROSS_ENTROPY))
    assert (lucky.verdict, lucky.failing_share > 0) == ("healthy", "bad luck" in str(lucky))


def test_an_activation_that_gives_no_number_is_named_with_its_remedy():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", aw.ActwiseWarning)
        network = net(aw.Dense(16, "sqrt(x)"), aw.Dense(1, "sigmoid"))
    found = aw.diagnose(network, SIGNS, XOR, **(SETTINGS | CROSS_ENTROPY))
    assert found.verdict == "broken"
    assert found.findings[0].code == "hidden_activation"
    assert "'sqrt(x)' of layer 1 is not a finite number for" in found.findings[0].evidence
    assert "where(x > 0, sqrt(x), 0)" in found.findings[0].evidence


SLOW_DESCENT = {"loss": "squared_error", "optimizer": "sgd", "batch_size": 4}
FOUR = net(aw.Dense(4, "sigmoid"), aw.Dense(1, "sigmoid"))


def test_a_network_that_needs_many_updates_is_trained_to_its_end():
    """20,000 updates are not enough for these, and all of them are."""
    found = aw.diagnose(FOUR, CORNERS, XOR, learning_rate=0.02, epochs=300_000, **SLOW_DESCENT)
    assert (found.verdict, found.failing_share, found.note) == ("healthy", 0, "")
    assert len(found.losses[0]) == 300_000


def test_a_network_that_cannot_be_trained_to_its_end_is_undecided():
    found = aw.diagnose(FOUR, CORNERS, XOR, learning_rate=1e-4, epochs=10**8, updates=50_000, **SLOW_DESCENT)
    assert found.verdict == "undecided"
    assert "of its 100,000,000 updates" in str(found)


def test_nothing_that_helps_is_hopeless_though_others_do_better():
    data = Data(X, as_targets(NUMBERS), np.arange(200), np.arange(200, 300))
    setup = Setup(FOR_MANY, aw.loss("squared_error"), aw.Adam(0.001))
    outcomes = [Outcome(0.0, FOR_MANY, np.ones(3), "all epochs done", 0.1, 1.0, k) for k in range(6)]
    known = Diagnosis("broken", (), "R2", (0.0,) * 6, 0.0, Reference({"boosted trees": 0.8}), True, 1.0,
                      setup=setup, data=data)  # fmt: skip
    tried = Tried((with_standard_network(setup, data),), outcomes, -0.01)
    found = conclude(known, [], [tried], [], Cure(tried, is_healthy=False))
    assert found.verdict == "hopeless"
    assert "nothing that was tried improves this network" in " ".join(str(found).split())
    helped = Cure(Tried(tried.changes, outcomes, 0.1), is_healthy=False)
    assert conclude(known, [], [tried], [], helped).verdict == "broken"
    certain = [Suspicion("output_activation_mismatch", 1.0, "out of reach")]
    assert conclude(known, certain, [tried], [], Cure(tried, is_healthy=False)).verdict == "broken"
    assert conclude(known, [], [tried], [], Cure(tried, is_healthy=False, confirmed=False)).verdict == "broken"
    for hope in ({"failing_share": 0.5}, {"scores": (-1.0,) * 6}):
        assert conclude(replace(known, **hope), [], [tried], [], Cure(tried, is_healthy=False)).verdict == "broken"


def test_a_network_that_is_trained_from_several_starts_by_default_is_examined_so():
    tiny = net(aw.Dense(2, "tanh"), aw.Dense(1, "sigmoid"))
    assert aw.diagnose(tiny, CORNERS, XOR, **CROSS_ENTROPY).failing_share == 0


def test_counts_are_numbers_and_labels_classes():
    counts = RNG.poisson(np.exp(X[:, 0])).astype(float)
    for_counts = net(aw.Dense(8, "tanh"), aw.Dense(1, "exponential"), n_inputs=3)
    assert describe(for_counts, X, counts, None, {"loss": "poisson"}).task.kind == "regression"
    assert describe(FOR_MANY, X, LABELS, None, CROSS_ENTROPY).task.kind == "binary"
    for_classes = net(aw.Dense(8, "tanh"), aw.Dense(3, "softmax"), n_inputs=3)
    three = np.arange(300) % 3
    assert describe(for_classes, X, three, None, {"loss": "categorical_cross_entropy"}).task.kind == "multiclass"


def test_what_is_certainly_wrong_is_repaired_first():
    doings = []
    one = net(aw.Dense(12, "tanh"), aw.Dense(1, "softmax"))
    found = aw.diagnose(
        one, CORNERS, XOR, on_progress=lambda doing, _: doings.append(doing), **(SETTINGS | CROSS_ENTROPY)
    )
    tried = [each for each in doings if each.startswith("trying")]
    assert tried == ["trying 1 output unit with sigmoid, and binary_cross_entropy as the loss"]
    assert found.findings[0].settings == {
        "output_activation": "sigmoid",
        "n_outputs": 1,
        "loss": "binary_cross_entropy",
    }
    assert found.to_dict()["settings_of_cure"] == found.findings[0].settings


def test_the_same_seed_gives_the_same_answer():
    slow = SETTINGS | CROSS_ENTROPY | {"learning_rate": 1e-4}
    first, again = (aw.diagnose(GOOD, CORNERS, XOR, **slow, seed=1) for _ in range(2))
    assert first.scores == again.scores
    assert [each.code for each in first.findings] == [each.code for each in again.findings]
    assert first.scores_after == again.scores_after
    assert first.losses[0].tolist() == again.losses[0].tolist()


def test_values_that_are_not_finite_are_the_finding():
    broken = CORNERS.copy()
    broken[3, 1] = np.inf
    found = aw.diagnose(GOOD, broken, XOR, **(SETTINGS | CROSS_ENTROPY))
    assert (found.verdict, found.findings[0].code) == ("broken", "not_finite")


def test_a_budget_that_is_too_small_leaves_it_undecided():
    wide = net(aw.Dense(200, "tanh"), aw.Dense(200, "tanh"), aw.Dense(1, "sigmoid"), n_inputs=3)
    many = np.tile(X, (30, 1))
    options = SETTINGS | CROSS_ENTROPY | {"updates": 1, "epochs": 100_000, "learning_rate": 1e-7, "batch_size": 32}
    found = aw.diagnose(wide, many, np.tile(LABELS, 30), **options)
    assert found.verdict == "undecided"
    assert "raise `updates`" in str(found)


def test_where_time_is_up_what_is_known_is_told():
    """The clock stands still until the first change is tried."""
    clock = [0.0]

    def observe(doing, share):
        clock[0] = 9.0 if doing.startswith("trying") else 1.0

    case = adapt(GOOD, CORNERS, XOR, None, {**CROSS_ENTROPY, "learning_rate": 1e-5, "optimizer": "adam", "epochs": 200})
    found = examine(*case, Budget(1_000_000, 8.0, lambda: clock[0]), observe=observe)
    assert (found.verdict, found.cure, found.seconds) == ("broken", "", 9.0)
    assert found.findings[0].code == "learning_rate_too_low"
    assert "Stopped after 8 seconds" in str(found)


def test_an_answer_does_not_depend_on_how_fast_the_machine_is():
    slow = CROSS_ENTROPY | {"learning_rate": 1e-4, "optimizer": "adam", "epochs": 200}
    answers = []
    for seconds in (0.0, 1e6):  # per look at the clock
        ticks = itertools.count()
        budget = Budget(300_000, clock=lambda ticks=ticks, seconds=seconds: next(ticks) * seconds)
        found = examine(*adapt(GOOD, CORNERS, XOR, None, slow), budget)
        answers.append({name: value for name, value in found.to_dict().items() if name != "seconds"})
    assert answers[0] == answers[1]


def test_an_interruption_reports_what_is_known():
    seen = []

    def interrupt(doing, share):
        seen.append(doing)
        if doing.startswith("trying"):
            raise KeyboardInterrupt

    slow = SETTINGS | CROSS_ENTROPY | {"learning_rate": 1e-5}
    found = aw.diagnose(GOOD, CORNERS, XOR, on_progress=interrupt, **slow)
    assert found.verdict == "broken"
    assert "Interrupted" in str(found)
    assert seen[0] == "training it as it is"


def test_everything_is_json_and_a_picture(tmp_path):
    found = aw.diagnose(net(aw.Dense(12), aw.Dense(1, "sigmoid")), CORNERS, XOR, **(SETTINGS | CROSS_ENTROPY))
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["verdict"] == "broken"
    assert len(plain["layers"]) == 2
    pytest.importorskip("matplotlib")
    found.plot(str(tmp_path / "picture.png"))
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
def test_scikit_learns_perceptrons_are_mapped(activation):
    """With scikit-learn's own weights the described network puts out what scikit-learn predicts."""
    for model, targets in ((MLPClassifier, LABELS), (MLPRegressor, NUMBERS), (MLPClassifier, np.arange(300) % 3)):
        fitted = model(hidden_layer_sizes=(5, 4), activation=activation, max_iter=250, batch_size=40, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has not converged after two iterations
            fitted.set_params(max_iter=2).fit(X, targets)
        setup = describe(fitted, X, targets, None, {}).setup
        values = np.concatenate(
            [part.ravel() for pair in zip(fitted.coefs_, fitted.intercepts_, strict=True) for part in pair]
        )
        outputs = setup.network.with_parameters(values).predict(X)
        expected = fitted.predict_proba(X) if model is MLPClassifier else fitted.predict(X).reshape(-1, 1)
        expected = expected[:, 1:] if outputs.shape[1] == 1 and expected.shape[1] == 2 else expected
        np.testing.assert_allclose(outputs, expected, atol=1e-5)
        assert (setup.batch_size, setup.epochs, setup.l2) == (40, 2, pytest.approx(1e-4 / 40))
        assert (setup.patience, setup.tolerance) == (11, 1e-4)


def test_a_classifier_of_scikit_learn_with_labels_of_any_kind():
    names = np.where(LABELS > 0, "yes", "no")
    found = aw.diagnose(MLPClassifier((16,), learning_rate_init=0.03), X, names)
    assert found.verdict == "healthy", str(found)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((FOR_MANY, X[:, :2], LABELS), {}, "takes 3 inputs, and X has 2 columns"),
        ((FOR_MANY, X, LABELS[:9]), {}, "300 rows and y 9"),
        ((FOR_MANY, X, np.zeros(300)), {"task": "binary"}, "one class only"),
        ((FOR_MANY, X[:0], LABELS[:0]), {}, "hold rows"),
        ((FOR_MANY, X[:1], LABELS[:1]), {"task": "regression"}, "one row"),
        (("nonsense", X, LABELS), {}, "a str cannot be diagnosed"),
        ((MLPClassifier, X, LABELS), {}, "hand over an instance"),
        ((FOR_MANY, X, LABELS), {"epoch": 3}, "has no setting 'epoch'"),
        ((FOR_MANY, X, LABELS), {"budget": 0}, "budget must be"),
        ((FOR_MANY, X, LABELS), {"n_train": 1}, "n_train must be between 2"),
        ((FOR_MANY, X, LABELS), {"task": "ranking"}, "unknown task"),
        (
            (net(aw.Dense(2), n_inputs=3), X, np.zeros((300, 3))),
            {"task": "regression"},
            "2 outputs and y has 3 columns",
        ),
        ((FOR_MANY, X), {}, "y is missing"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments, settings, message):
    with pytest.raises(InputError, match=message) as caught:
        aw.diagnose(*arguments, **settings)
    assert "\n" not in str(caught.value)
