"""The classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data

from actwise.errors import InputError
from actwise.estimators.base import BaseMLP, Problem
from actwise.estimators.parameters import PARAMETERS, Parameter, takes
from actwise.estimators.predicting import FloatArray
from actwise.estimators.problem import HINGE, LOG_LOSS, classification_problem, gives_margins
from actwise.model.losses import Loss
from actwise.recipes.fitting import Rows
from actwise.tasks import Task, find_task
from actwise.tasks.scaling import Scaling
from actwise.training.descriptions import ModelDescription


def _learned(y: npt.NDArray[Any]) -> tuple[Task, npt.NDArray[Any]]:
    """Find what is to be told apart, and the classes; scikit-learn's errors where these cannot be."""
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        raise InputError(
            "Multioutput target data is not supported: several columns of y may hold 0 and 1 only, one column per "
            "label; for several columns of classes use sklearn.multioutput.MultiOutputClassifier"
        )
    if kind.startswith("multilabel"):
        return find_task(y, "multilabel"), np.arange(y.shape[1])
    classes = np.unique(y)
    return Task.of_classes(classes), classes


def _gives_margins(estimator: MLPClassifier) -> bool:
    return gives_margins(estimator.loss)


def _gives_probabilities(estimator: MLPClassifier) -> bool:
    if _gives_margins(estimator):
        raise AttributeError("the hinge loss gives no probabilities: use decision_function, or loss='log_loss'")
    return True


@takes(
    {
        "loss": Parameter(LOG_LOSS, [str, Loss]),
        "label_smoothing": Parameter(0.0, PARAMETERS["beta_1"].constraints),
        "class_weight": Parameter(None, [dict, list, str, None]),
    },
    positional=("hidden_layer_sizes", "activation"),
)
class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """Multilayer perceptron for classification, with the interface of scikit-learn's.

    Parameters that scikit-learn's ``MLPClassifier`` has too mean the same. Where one is left at ``"auto"`` it
    is chosen by the size of the data as long as the solver is, and is scikit-learn's default where a solver
    is given by name.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each hidden layer.
    activation : str, Activation or a list of them
        Of the hidden layers: a name (``aw.activations.names()``), a formula in ``x``, a gated activation or
        ``aw.activations.maxout(3)``; a list has one for each layer.
    solver : {"auto", "lbfgs", "sgd", "adam", "adamw", "rmsprop", "adagrad"} or optimiser
        ``"auto"``: L-BFGS where the data are small, from several starts where they are tiny, Adam elsewhere.
    alpha : float
        Strength of the L2 penalty, divided by the number of rows of a step.
    batch_size : int
        Rows of a step.
    learning_rate : {"constant", "invscaling", "adaptive"} or schedule
        The names act on ``solver="sgd"``; a schedule such as ``aw.CosineDecay`` on any but L-BFGS.
    learning_rate_init : float or "find"
        Step size; ``"find"`` tries a range of them on some rows first (``learning_rate_init_``).
    power_t : float
        Exponent of ``"invscaling"``.
    max_iter : int
        At most so many epochs, or iterations of L-BFGS.
    shuffle : bool
        Whether the rows come in a new order in each epoch.
    random_state : int, RandomState or None
        For initial weights, order of rows and rows held out.
    tol : float
        A smaller improvement is none; for L-BFGS the largest entry of the gradient at which it ends.
    verbose : bool
        Writes a line per epoch.
    warm_start : bool
        Whether `fit` goes on from the weights at hand.
    momentum, nesterovs_momentum : float, bool
        Of ``solver="sgd"``.
    early_stopping : bool
        Whether rows are held out and training ends when their score does not improve; the best weights are kept.
    validation_fraction : float
        Share of the rows held out.
    beta_1, beta_2, epsilon : float
        Of ``solver="adam"``.
    n_iter_no_change : int
        Training ends after more epochs without improvement than this.
    max_fun : int
        Evaluations of the loss that L-BFGS may make.
    loss : {"log_loss", "hinge", "squared_error"} or Loss
        What is minimised. The hinge loss gives margins instead of probabilities.
    output_activation : str or Activation
        ``"auto"``: what belongs to the loss.
    dropout : float or list of float
        Share of each hidden layer's outputs that is dropped in training.
    label_smoothing : float
        Share of each row's target that is spread over all classes.
    class_weight : dict, list of dict, "balanced" or None
        Weights of the classes, as elsewhere in scikit-learn.
    scoring : str, callable or None
        What early stopping judges by: a scorer or its name, ``"loss"``, or None for the accuracy (with
        ``solver="auto"`` the loss, unless ``early_stopping=True``).
    max_gradient_norm : float or None
        Longer gradients are scaled down to it.
    weight_averaging : float
        Share that a moving average of the weights over the epochs keeps in each; 0 for none. The average is
        what is judged and kept.
    scale_inputs : bool
        Whether columns are standardised while training; ``"auto"``: with ``solver="auto"``. The weights in
        ``coefs_`` are those for the columns as they are.
    dtype : {"auto", "float32", "float64"}
        Of the arithmetic of training. The model itself has the dtype of X.
    n_jobs : int or None
        Threads for large matrix products.
    {settings}

    Attributes
    ----------
    classes_ : ndarray
        The labels.
    coefs_, intercepts_ : list of ndarray
        Weights (n_inputs, n_units) and biases (n_units,) of each layer, for columns as they are; a gated unit
        has several. What is written into them counts.
    loss_, best_loss_, loss_curve_ : float, float or None, list of float
        Training loss of the last epoch, the best one (None with early stopping), and that of each epoch.
    validation_scores_, best_validation_score_ : list of float or None, float or None
        With early stopping.
    validation_loss_curve_ : list of float or None
        Where there are rows to judge by.
    n_iter_, t_ : int
        Epochs of the last fit, and rows seen.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn.
    network_ : Network
        The trained network.
    choices_ : Plan
        What stood for ``"auto"``.
    stopped_because_ : str
        Why training ended.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(random_state=0).fit(X, y)
    >>> model.predict(X[:3]), model.score(X, y) > 0.95
    (array([0, 0, 0]), True)
    """

    classes_: npt.NDArray[Any]
    _task: Task

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPClassifier:
        """Learn from rows.

        Parameters
        ----------
        X : array_like, sparse matrix or frame of shape (n_rows, n_columns)
            Columns of numbers.
        y : array_like of shape (n_rows,) or (n_rows, n_labels)
            Labels; with a column of 0 and 1 per label a row can have several.
        sample_weight : array_like of shape (n_rows,), optional
            Weight of each row.
        X_val, y_val, sample_weight_val
            Rows to judge by after every epoch. Training ends when they do not improve and the best weights are
            kept, unless ``early_stopping=False``. ``class_weight`` weighs them as it does the rows of X.

        Returns
        -------
        MLPClassifier
            Itself.

        Raises
        ------
        ValueError
            If something cannot be used; in scikit-learn's words where scikit-learn checks it.
        """
        self._run_fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    @available_if(lambda estimator: estimator._check_solver())  # type: ignore[untyped-decorator]  # of scikit-learn
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """Go through some rows once; the first call needs all `classes`.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array_like of shape (n_classes,), optional
            All labels that will ever come.
        """
        if self.class_weight == "balanced":
            raise InputError(
                "class_weight='balanced' cannot be known to partial_fit, which sees some rows only: give a dict, "
                "from sklearn.utils.class_weight.compute_class_weight"
            )
        if _check_partial_fit_first_call(self, classes):
            if type_of_target(y).startswith("multilabel"):
                self._task = Task("multilabel", len(self.classes_))
            else:
                self._task = Task.of_classes(self.classes_)
        self._run_fit(X, y, sample_weight, partial=True)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the label of each row, shape (n_rows,) or (n_rows, n_labels)."""
        outputs = self._predict_outputs(X)
        return self._answers(outputs)

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]  # of scikit-learn
    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of each class (or label), shape (n_rows, n_classes)."""
        outputs = self._predict_outputs(X)
        if self._task.kind == "multiclass":
            return outputs
        if self._task.kind == "multilabel":
            # Only rounding makes a sigmoid exactly 0 or 1, and then its logarithm infinite.
            limits = np.finfo(outputs.dtype)
            return np.clip(outputs, limits.tiny, 1 - limits.epsneg)
        if len(self.classes_) == 1:
            return np.ones_like(outputs)
        return np.concatenate((1 - outputs, outputs), axis=1)

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]  # of scikit-learn
    def predict_log_proba(self, X: Any) -> FloatArray:
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            logarithms: FloatArray = np.log(self.predict_proba(X))
        return logarithms

    @available_if(_gives_margins)  # type: ignore[untyped-decorator]  # of scikit-learn
    def decision_function(self, X: Any) -> FloatArray:
        """Return the margins, shape (n_rows,) for two classes and (n_rows, n_classes) for more."""
        outputs = self._predict_outputs(X)
        return outputs[:, 0] if self._task.kind == "binary" else outputs

    def model_description(self) -> ModelDescription:
        """Say what the model is made of, for `actwise.to_onnx` and `actwise.to_torch`."""
        network = self.network_
        several = self._task.kind == "multilabel"
        classes = tuple(self.classes_.tolist())
        return ModelDescription(network, classes=classes, multilabel=several, margins=_gives_margins(self))

    def _checked(self, X: Any, y: Any, *, reset: bool, partial: bool) -> tuple[Any, npt.NDArray[Any]]:
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=(np.float64, np.float32), reset=reset
        )
        y = y.toarray() if scipy.sparse.issparse(y) else y
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        task, classes = _learned(y)
        if not hasattr(self, "classes_") or not (self.warm_start or partial):
            self._task, self.classes_ = task, classes
            return X, y
        if not hasattr(self, "_task"):
            self._task = Task.of_classes(self.classes_)
        if self.warm_start and not partial and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}"
            )
        if len(np.setdiff1d(classes, self.classes_)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}."
            )
        return X, y

    def _row_weights(
        self, y: npt.NDArray[Any], sample_weight: FloatArray | None, *, like: npt.NDArray[Any]
    ) -> FloatArray | None:
        if self.class_weight is None:
            return sample_weight
        # Together, as not every class need be among y, and each has the weight that it has among the rows `like`.
        counted = np.arange(len(like)) if self.class_weight == "balanced" else None
        both = compute_sample_weight(self.class_weight, np.concatenate([like, y]), indices=counted)
        by_class: FloatArray = both[len(like) :]
        return by_class if sample_weight is None else by_class * sample_weight

    def _pose(self, y: npt.NDArray[Any]) -> Problem:
        return classification_problem(self._task, self.loss, self.output_activation, smooths=bool(self.label_smoothing))

    def _answers(self, outputs: FloatArray) -> npt.NDArray[Any]:
        """Return the label of each row of outputs (n_rows, n_outputs), or its answers as 0 and 1."""
        said = self._task.decide(outputs, self._threshold)
        return said if self._task.kind == "multilabel" else np.asarray(self.classes_.take(said))

    @property
    def _threshold(self) -> float:
        """What an output that stands for itself must exceed to say yes."""
        return 0.0 if _gives_margins(self) else 0.5

    def _encode(self, y: npt.NDArray[Any]) -> FloatArray:
        loss = self._pose(y).loss
        if loss.target == "class":
            return self._task.encode(y).reshape(-1, 1)
        said = self._task.indicators(y)
        if self.label_smoothing:
            n_classes = said.shape[1] if self._task.kind == "multiclass" else 2
            said = said * (1 - self.label_smoothing) + self.label_smoothing / n_classes
        return 2 * said - 1 if loss.name == HINGE else said

    def _own_score(self, outputs: FloatArray, rows: Rows, outputs_scaling: Scaling) -> float:
        if not np.all(np.isfinite(outputs)):
            return float("nan")
        decoded = self._answers(outputs)
        right = decoded == rows.y if rows.y.ndim == 1 else np.all(decoded == rows.y, axis=1)
        return float(np.average(right, weights=rows.weights))

    def _strata(self, y: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        if self._task.kind == "multilabel":
            return None
        codes = self._task.encode(y)
        # A column, as in scikit-learn: its error then names the class by a word.
        return codes.astype(bool)[:, None] if self._task.kind == "binary" else codes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
