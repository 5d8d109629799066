"""What happens between two epochs: scores, lines for the reader, averages of weights, callbacks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from actwise.recipes.plan import AdaptiveRate
from actwise.training import Progress

FloatArray = npt.NDArray[np.floating[Any]]


class Listener(Protocol):
    """Whoever wants to know when epochs begin and end, such as scikit-learn's callbacks."""

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""

    def begin_epoch(self) -> None:
        """Tell that an epoch begins."""

    def end_epoch(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """Tell that an epoch ended; say whether to stop."""


class EpochEnd:
    """Called after every epoch; says whether training should end.

    Parameters
    ----------
    verbose : bool
        Whether it writes a line for each epoch.
    score : callable or None
        Gives the score of some parameters on the rows held out; the larger the better.
    best_score : float
        The best of trainings before.
    tolerance : float
        A smaller improvement is none.
    patience : int
        Ends after so many epochs without improvement; 0: never.
    later : bool
        Whether of equal scores the later epoch counts as the best, instead of the first as in scikit-learn: a few
        rows have few scores, and under a falling rate later weights are better trained.
    adaptive : AdaptiveRate or None
        Is lowered instead, as far as it goes.
    averaging : float
        Share that the moving average of the weights keeps in each epoch; 0: no average.
    listener : Listener
        The callbacks.
    attributes : callable
        What a copy of the estimator needs to predict with some parameters.
    """

    def __init__(
        self,
        *,
        verbose: bool,
        score: Callable[[FloatArray], float] | None,
        best_score: float,
        tolerance: float,
        patience: int,
        later: bool,
        adaptive: AdaptiveRate | None,
        averaging: float,
        listener: Listener,
        attributes: Callable[[FloatArray], dict[str, Any]],
    ) -> None:
        self.scores: list[float] = []
        self.best_score = best_score
        self.best_parameters: FloatArray | None = None
        self.average: FloatArray | None = None
        self._verbose = verbose
        self._score = score
        self._best_loss = np.inf
        self._tolerance = tolerance
        self._patience = patience
        self._later = later
        self._adaptive = adaptive
        self._averaging = averaging
        self._sum: FloatArray | None = None
        self._listener = listener
        self._attributes = attributes
        self._stale = 0
        self._epochs = 0

    @property
    def needed(self) -> bool:
        """Whether there is anything to do between epochs."""
        asked = self._verbose or self._score is not None or self._adaptive is not None
        return bool(asked or self._averaging or self._listener.wanted)

    def __call__(self, progress: Progress) -> bool:
        """Look at the training; return whether it should end."""
        self._epochs += 1
        loss = progress.latest[-1].training_loss
        parameters = self._averaged(progress.parameters)
        self._say(f"Iteration {self._epochs}, loss = {loss:.8f}")
        if self._score is not None:
            improved = self._judge(parameters)
        else:
            improved = not loss > self._best_loss - self._tolerance
            self._best_loss = min(self._best_loss, loss)
        self._stale = 0 if improved else self._stale + 1
        stops = self._listener.end_epoch(lambda: self._attributes(parameters))
        if self._patience and self._stale >= self._patience and self.stops_training:
            stops |= self._give_up()
        if not stops:
            self._listener.begin_epoch()
        return stops

    @property
    def stops_training(self) -> bool:
        """Whether it ends training that does not improve; elsewhere the compiled loop does."""
        return self._score is not None or self._adaptive is not None

    def _averaged(self, parameters: FloatArray) -> FloatArray:
        if not self._averaging:
            return parameters
        # Adam's correction makes it a mean of the epochs so far, the later ones weighing more.
        keep = self._averaging
        before = np.zeros(parameters.shape) if self._sum is None else self._sum
        self._sum = keep * before + (1 - keep) * parameters
        self.average = (self._sum / (1 - keep**self._epochs)).astype(parameters.dtype)
        return self.average

    def _judge(self, parameters: FloatArray) -> bool:
        assert self._score is not None
        score = self._score(parameters)
        self.scores.append(score)
        self._say(f"Validation score: {score:f}")
        # Written as scikit-learn does: a score of NaN counts as an improvement.
        improved = not score < self.best_score + self._tolerance
        if score > self.best_score or (self._later and score == self.best_score):
            self.best_score = score
            self.best_parameters = parameters.copy()
        return improved

    def _give_up(self) -> bool:
        what = "Training loss" if self._score is None else "Validation score"
        said = f"{what} did not improve more than tol={self._tolerance:f} for {self._patience - 1} consecutive epochs."
        if self._adaptive is None:
            self._say(f"{said} Stopping.")
            return True
        self._stale = 0
        if self._adaptive.lower():
            self._say(f"{said} Setting learning rate to {self._adaptive.rate:f}")
            return False
        self._say(f"{said} Learning rate too small. Stopping.")
        return True

    def _say(self, line: str) -> None:
        if self._verbose:
            sys.stdout.write(line + "\n")
