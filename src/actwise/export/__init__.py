"""Models leave as ONNX and PyTorch, and come in from scikit-learn and PyTorch.

ONNX and PyTorch are loaded when they are needed; `actwise.export.requirements` says what to install.
"""

from __future__ import annotations

from pathlib import Path

from actwise.parts import parts_of

__all__ = ["to_onnx"]


def to_onnx(model: object, path: str | Path) -> None:
    """Write a model as an ONNX file that answers as the model does, in float32.

    Parameters
    ----------
    model : Network, Run, TableModel or estimator
        A network, the result of a training, a table model or a fitted estimator. A network has an input ``X``
        of shape (batch, n_inputs) and an output ``outputs``; a classifier has the outputs ``labels`` and
        ``probabilities``, a regression ``predictions``. A table model has an input for each of its columns,
        with the preprocessing inside: see ``docs/export.md``.
    path : str or Path
        The file; it appears whole, or not at all.

    Raises
    ------
    InputError
        If the model is of another kind, or the file cannot be written.
    MissingPackageError
        If the package ``onnx`` is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import actwise as aw
    >>> network = aw.Network([aw.Dense(2, "gelu"), aw.Dense(1, "x * tanh(x)")], n_inputs=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     aw.to_onnx(network, f"{folder}/network.onnx")
    """
    from actwise.export.onnx.model import write_onnx

    write_onnx(parts_of(model), path)
