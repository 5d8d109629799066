"""What a classifier learns: losses and output activations that go together, and those that are refused."""

import numpy as np
import pytest
from sklearn.datasets import make_classification

import actwise as aw
from actwise.errors import InputError
from actwise.estimators import MLPClassifier, MLPRegressor

X, Y = make_classification(120, 5, n_informative=4, n_redundant=0, n_classes=3, flip_y=0.2, random_state=0)


def test_the_hinge_loss_by_name_and_as_a_record_is_one():
    named, record = (MLPClassifier(6, loss=loss, random_state=0).fit(X, Y) for loss in ("hinge", aw.loss("hinge")))
    np.testing.assert_array_equal(named.decision_function(X), record.decision_function(X))
    np.testing.assert_array_equal(named.predict(X), record.predict(X))
    assert not hasattr(record, "predict_proba")


@pytest.mark.parametrize(
    ("asked", "two"),
    [
        ({"loss": aw.loss("poisson")}, False),
        ({"loss": aw.loss("poisson")}, True),
        ({"loss": aw.loss("binary_cross_entropy")}, False),
        ({"loss": aw.loss("categorical_cross_entropy")}, True),
        ({"loss": "squared_error", "output_activation": "tanh"}, True),
        ({"loss": "squared_error", "output_activation": "identity"}, False),
        ({"loss": "squared_error", "output_activation": "sigmoid"}, False),
        ({"loss": "squared_error", "output_activation": "sin(x) / 2 + 0.5"}, False),
        ({"loss": "squared_error", "output_activation": "softmax"}, True),
    ],
    ids=str,
)
def test_what_gives_no_probabilities_is_refused(asked, two):
    with pytest.raises(InputError, match="probabilities"):
        MLPClassifier(6, **asked).fit(X, Y == 1 if two else Y)


def test_an_output_activation_whose_probabilities_sum_to_one_is_taken():
    model = MLPClassifier(6, loss="squared_error", output_activation="sparsemax", random_state=0).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_labels_of_which_a_row_can_have_several_take_no_softmax():
    with pytest.raises(InputError, match=r"'softmax' are no probabilities of labels.* take 'sigmoid'"):
        MLPClassifier(6, loss="squared_error", output_activation="softmax").fit(X, np.eye(3)[Y])


def test_an_output_activation_that_the_loss_cannot_use_is_refused():
    with pytest.raises(InputError, match="softmax"):
        MLPClassifier(6, output_activation="tanh").fit(X, Y)
    with pytest.raises(InputError, match="identity"):
        MLPRegressor(output_activation="tanh", scale_targets=True).fit(X, Y.astype(float))


def test_squared_error_of_two_labels_takes_any_output_activation_from_0_to_1():
    two = Y == 1
    model = MLPClassifier(
        hidden_layer_sizes=4, loss="squared_error", output_activation="hard_sigmoid", random_state=0
    ).fit(X, two)
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    expected = aw.activation("hard_sigmoid")(hidden @ model.coefs_[1] + model.intercepts_[1])[:, 0]
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], expected, atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_label_smoothing_is_where_certainty_ends(n_classes):
    y = np.arange(90) % n_classes
    columns = np.eye(n_classes)[y]
    model = MLPClassifier(
        hidden_layer_sizes=4, activation="tanh", solver="lbfgs", alpha=0.0, label_smoothing=0.3, random_state=0
    ).fit(columns, y)
    of_own_class = model.predict_proba(columns)[np.arange(90), y]
    np.testing.assert_allclose(of_own_class, 0.7 + 0.3 / n_classes, atol=1e-3)


def test_label_smoothing_never_goes_unheard():
    with pytest.raises(InputError, match="label_smoothing"):
        MLPClassifier(6, loss=aw.loss("categorical_cross_entropy"), label_smoothing=0.1).fit(X, Y)
