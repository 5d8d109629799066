"""A network together with all that turns a table's rows into its inputs and its outputs into answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from actwise.activations import activation
from actwise.errors import InputError, ModelError
from actwise.export.onnx.columns import column_inputs
from actwise.model.layers import Dense
from actwise.model.network import Network
from actwise.persistence import Saved, SavedKind, check_destination, load_as, records, save_as
from actwise.persistence.networks import (
    NetworkRecord,
    network_arrays,
    network_from_record,
    network_to_document,
    refuse_spare_arrays,
)
from actwise.tables import ReadOptions, TableEncoding, Target, read_table, scan_batches
from actwise.tabular.report import FitReport
from actwise.training import History
from actwise.training.descriptions import ModelDescription

METRICS_FILE = "metrics.json"
HISTORY_FILE = "history.jsonl"


@dataclass(frozen=True, eq=False)
class TableModel:
    """A trained model for tables.

    Parameters
    ----------
    network : Network
        The network; its outputs are standardised numbers, or probabilities of classes.
    encoding : TableEncoding
        How columns become inputs.
    target : Target
        What the outputs mean.
    report : FitReport
        How it came about and what the test rows said.
    """

    network: Network
    encoding: TableEncoding
    target: Target
    report: FitReport

    def __post_init__(self) -> None:
        task, output = self.target.task, self.network.output_activation
        fits = (
            self.network.n_inputs == self.encoding.n_features
            and self.network.n_outputs == task.n_outputs
            and self.encoding.targets == self.target.names
            and (task.scaling is None) == task.is_classification
            and output is not None
            and output.name == task.output_activation
        )
        if not fits:
            raise ModelError("the network, the columns and the target of the model do not belong together")

    @cached_property
    def _logits(self) -> Network:
        """The network up to its last pre-activations, of which no probability has been rounded to 0 or 1."""
        last = self.network.linear_layers[-1]
        layers = (*self.network.layers[:-1], Dense(last.units, activation("identity"), bias=last.bias))
        return Network(layers, self.network.n_inputs, self.network.values, self.network.dtype)

    def model_description(self) -> ModelDescription:
        """Say what the model is made of, for exports.

        Returns
        -------
        ModelDescription
            Columns, network, and what its outputs mean.
        """
        return ModelDescription(
            self.network,
            columns=self.encoding.columns,
            outputs=self.target.task.scaling,
            exponential=self.target.task.transform == "log",
            classes=self.target.labels,
            names=self.target.names,
        )

    def onnx_inputs(self, source: Any) -> dict[str, npt.NDArray[Any]]:
        """Read a table as the inputs of the file that `actwise.to_onnx` writes.

        Parameters
        ----------
        source : str, Path or frame
            As for `predict`.

        Returns
        -------
        dict of str to ndarray
            For each column that the model uses its cells, of shape (n_rows, 1): what a session of onnxruntime
            takes.

        Raises
        ------
        TableError
            As for `predict`.
        """
        frame = read_table(source, self.encoding.options)
        self.encoding.encode(frame)  # refuses what `predict` refuses
        return column_inputs(self.encoding.columns, frame)

    def predict_encoded(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Predict from encoded rows.

        Parameters
        ----------
        X : ndarray of float32, shape (n_rows, n_features)
            What ``encoding.encode`` returned.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes) or (n_rows, n_outputs)
            Probabilities of the classes, or numbers in the target's own units.
        """
        outputs = self._logits.predict(X).astype(np.float64)
        if not self.target.is_classification:
            return self.decode(outputs)
        if self.target.task.kind == "binary":
            return np.exp(-np.logaddexp(0.0, np.hstack([outputs, -outputs])))
        return np.exp(outputs - np.logaddexp.reduce(outputs, axis=1, keepdims=True))

    def decode(self, outputs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Turn standardised numbers into the target's own units; leave probabilities as they are.

        Parameters
        ----------
        outputs : ndarray of shape (n_rows, n_outputs)
            Probabilities, or what a model that learned from encoded targets predicts.

        Returns
        -------
        ndarray of float64, of the same shape
            What they mean.
        """
        if self.target.is_classification:
            return np.asarray(outputs, np.float64)
        return np.asarray(self.target.task.decode(outputs), np.float64)

    def predict(self, source: Any) -> npt.NDArray[Any]:
        """Predict the target.

        Parameters
        ----------
        source : str, Path or frame
            A table as `actwise.tables.read_table` takes it, with the columns of the training table.

        Returns
        -------
        ndarray
            Labels, or numbers, of shape (n_rows,); (n_rows, n_outputs) for several targets.

        Raises
        ------
        TableError
            If the table cannot be read, lacks columns or holds cells of another type.
        """
        found = self.predict_encoded(self.encoding.encode(read_table(source, self.encoding.options)))
        if self.target.is_classification:
            return self.target.decode(found.argmax(axis=1))
        return found[:, 0] if len(self.target.names) == 1 else found

    def predict_proba(self, source: Any) -> npt.NDArray[np.float64]:
        """Predict the probability of each class.

        Parameters
        ----------
        source : str, Path or frame
            As for `predict`.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes)
            Probabilities, in the order of ``target.labels``.

        Raises
        ------
        InputError
            If the model predicts numbers.
        TableError
            As for `predict`.
        """
        self.check_proba()
        return self.predict_encoded(self.encoding.encode(read_table(source, self.encoding.options)))

    def check_proba(self) -> None:
        """Refuse to give probabilities where numbers are predicted.

        Raises
        ------
        InputError
            If the model is a regression.
        """
        if not self.target.is_classification:
            names = " and ".join(map(repr, self.target.names))
            raise InputError(f"this model predicts numbers ({names}), which have no probabilities: leave out --proba")

    def predict_batches(
        self, source: Any, *, proba: bool = False, options: ReadOptions | None = None
    ) -> Iterator[pl.DataFrame]:
        """Predict batch by batch, so that neither the table nor the answers need fit into memory.

        Parameters
        ----------
        source : str, Path or frame
            As for `predict`.
        proba : bool
            Whether to add a column with the probability of each class.
        options : ReadOptions, optional
            How the file is read; as the training table was if left out.

        Yields
        ------
        polars.DataFrame
            A row for each row of the table, in its order: a column per target, under its name, and those
            of the probabilities.
        """
        if proba:
            self.check_proba()
        first_row = 1
        for batch in scan_batches(source, options=options or self.encoding.options):
            yield self._answers(self.predict_encoded(self.encoding.encode(batch, first_row=first_row)), proba)
            first_row += batch.height

    def _answers(self, found: npt.NDArray[np.float64], proba: bool) -> pl.DataFrame:
        if not self.target.is_classification:
            return pl.DataFrame({name: found[:, k] for k, name in enumerate(self.target.names)})
        labels = pl.Series(self.target.names[0], list(self.target.labels))
        columns = [labels.gather(found.argmax(axis=1))]
        if proba:
            columns += [pl.Series(f"probability of {label}", found[:, k]) for k, label in enumerate(self.target.labels)]
        return pl.DataFrame(columns)

    def with_report(self, report: FitReport) -> TableModel:
        """Return the same model with another report."""
        return replace(self, report=report)

    def save(self, directory: str | Path, history: History | None = None) -> None:
        """Write the model as a directory, all or nothing.

        It holds ``model.json`` (what the model is, with the columns and the report), ``weights.safetensors``,
        ``metrics.json`` (the report) and, if given, ``history.jsonl`` (a line per epoch).

        Parameters
        ----------
        directory : str or Path
            Where; replaced as a whole if it holds a model.
        history : History, optional
            The epochs.

        Raises
        ------
        ModelError
            If the place cannot be written, or holds anything that is not a model.
        """
        save_as(TABLE_MODEL, self.to_saved(history), directory)

    def to_saved(self, history: History | None = None) -> Saved:
        """Turn the model into plain data; see `save`."""
        report = self.report.to_dict()
        document = {
            "network": network_to_document(self.network),
            "encoding": self.encoding.to_dict(),
            "target": self.target.to_dict(),
            "report": report,
        }
        extras = {METRICS_FILE: json.dumps(report, indent=1) + "\n"}
        if history is not None:
            extras[HISTORY_FILE] = "".join(_lines(history))
        return Saved(document, network_arrays(self.network), extras)

    @staticmethod
    def check_place(directory: str | Path) -> None:
        """Refuse a place where no model can be saved, before any work is done.

        Parameters
        ----------
        directory : str or Path
            Where a model is to be saved.

        Raises
        ------
        ModelError
            If it holds anything that is not a model, or cannot be written.
        """
        check_destination(directory)

    @classmethod
    def load(cls, directory: str | Path) -> TableModel:
        """Read a model that `save` wrote.

        Parameters
        ----------
        directory : str or Path
            Where it is.

        Returns
        -------
        TableModel
            The model; it predicts the same bits as the one that was saved.

        Raises
        ------
        ModelError
            If there is none, or it is damaged, or newer than this version of Actwise, or of another kind.
        """
        found = load_as(TABLE_MODEL, directory)
        assert isinstance(found, cls)
        return found

    @classmethod
    def from_saved(cls, saved: Saved) -> TableModel:
        """Build the model from what `to_saved` returned.

        Raises
        ------
        ModelError
            If a part is missing, damaged or does not fit the others.
        """
        refuse_spare_arrays(saved.arrays)
        document = records.from_plain(_Document, saved.document, "model.json")
        document.report.check()
        network = network_from_record(document.network, saved.arrays)
        return cls(network, document.encoding, document.target, document.report)


@dataclass(frozen=True)
class _Document:
    """What ``model.json`` holds of a table model."""

    network: NetworkRecord
    encoding: TableEncoding
    target: Target
    report: FitReport


TABLE_MODEL = SavedKind("table_model", TableModel, TableModel.to_saved, TableModel.from_saved)


def _lines(history: History) -> Iterable[str]:
    for record in history:
        # JSON has no NaN: the epoch in which the loss became one is told by the missing number.
        plain = {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in asdict(record).items()
        }
        yield json.dumps(plain) + "\n"
