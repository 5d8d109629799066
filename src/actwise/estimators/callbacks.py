"""scikit-learn's callback protocol, where the installed version has it (1.9 and later)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]  # the stand-in for versions without the protocol
        """Stands for the protocol where scikit-learn has none: no callback can be set."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "EpochTasks", "with_callbacks"]


class EpochTasks:
    """Tells an estimator's callbacks where each epoch begins and ends.

    Parameters
    ----------
    estimator : estimator
        Whose callbacks they are.
    most_epochs : int or None
        How many epochs there will be at most, if that is known.
    data : dict
        What callbacks may ask for: ``X``, ``y`` and ``metadata``.
    """

    def __init__(self, estimator: Any, most_epochs: int | None, data: dict[str, Any]) -> None:
        self._estimator = estimator
        self._data = data
        self._most = most_epochs
        self._done = 0
        self._epoch: Any = None
        self._root: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self._root = estimator._init_callback_context(max_subtasks=most_epochs)
            self._root.call_on_fit_task_begin(estimator=estimator, **data)

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return self._root is not None and bool(getattr(self._estimator, "_skl_callbacks", ()))

    def begin_epoch(self) -> None:
        """Tell that an epoch begins, if there can be one more."""
        if self.wanted and (self._most is None or self._done < self._most):
            self._epoch = self._root.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end_epoch(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """Tell that an epoch ended, with what a copy of the estimator needs to predict; say whether to stop."""
        if self._epoch is None:
            return False
        stop = self._epoch.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=attributes, **self._data
        )
        self._epoch = None
        self._done += 1
        return bool(stop)

    def end_fit(self) -> None:
        """Close what is open."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        if self._root is not None:
            self._root.call_on_fit_task_end(estimator=self._estimator, reconstruction_attributes=dict, **self._data)
