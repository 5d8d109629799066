"""Class labels as targets of a network, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from actwise.errors import InputError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Labels:
    """What the classes are.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels; the column numbers where a row can have several.
    kind : {"binary", "multiclass", "multilabel"}
        One output for two classes (or one), one per class, one per label.
    """

    classes: Array
    kind: Literal["binary", "multiclass", "multilabel"]

    @classmethod
    def learn(cls, y: Array) -> Labels:
        """Find the classes of some rows."""
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise InputError(
                "Multioutput target data is not supported: several columns of y may hold 0 and 1 only, one column per "
                "label; for several columns of classes use sklearn.multioutput.MultiOutputClassifier"
            )
        if kind.startswith("multilabel"):
            return cls(np.arange(y.shape[1]), "multilabel")
        return cls.of_classes(np.unique(y))

    @classmethod
    def of_classes(cls, classes: Array) -> Labels:
        """Take the classes as given."""
        return cls(classes, "binary" if len(classes) <= 2 else "multiclass")

    @property
    def n_outputs(self) -> int:
        """Outputs that the network needs."""
        return 1 if self.kind == "binary" else len(self.classes)

    def encode(self, y: Array) -> npt.NDArray[np.float64]:
        """Return 0 or 1 for two classes, an index for more, a row of 0 and 1 for several labels.

        All labels must be known.
        """
        if self.kind == "multilabel":
            return np.asarray(np.not_equal(y, 0), np.float64)
        return np.asarray(np.searchsorted(self.classes, y), np.float64)

    def indicators(self, y: Array) -> npt.NDArray[np.float64]:
        """Return a column for each output that is 1 in the rows of its class and 0 elsewhere."""
        codes = self.encode(y)
        if self.kind == "multiclass":
            return np.equal(codes[:, None], np.arange(len(self.classes))).astype(np.float64)
        return codes.reshape(len(codes), -1)

    def decode(self, outputs: Array, threshold: float) -> Array:
        """Return the label of each row of outputs.

        Shapes: `outputs` (n_rows, n_outputs).
        """
        if self.kind == "multiclass":
            return np.asarray(self.classes.take(outputs.argmax(axis=1)))
        said = outputs > threshold
        if self.kind == "multilabel":
            return said.astype(np.int64)
        # A single class is meant whatever was said.
        return np.asarray(self.classes.take(said[:, 0], mode="clip"))
