"""A small table with every kind of column, and a model for it."""

import numpy as np
import polars as pl
import pytest

from actwise.tabular import FitSettings, fit_table

QUICK = {"hidden": (8,), "epochs": 60, "learning_rate": 0.01}


def mixed_table(n_rows=120, seed=0):
    """Numbers with gaps, truth values, labels, dates, a constant and an identifier; the price follows from them."""
    random = np.random.default_rng(seed)
    size = random.normal(100, 20, n_rows)
    port = random.choice(["Cherbourg", "Queenstown", "Southampton"], n_rows)
    sunny = random.random(n_rows) < 0.5
    day = pl.date_range(pl.date(2020, 1, 1), pl.date(2023, 1, 1), "1d", eager=True).sample(n_rows, seed=seed)
    price = size + 30 * sunny + np.where(port == "Cherbourg", 40, 0) + random.normal(0, 2, n_rows)
    return pl.DataFrame(
        {
            "id": np.arange(n_rows),
            "size": pl.Series(size).set(pl.Series(np.arange(n_rows) % 10 == 3), None),
            "port": port,
            "sunny": sunny,
            "day": day,
            "same": np.ones(n_rows),
            "price": price,
            "dear": np.where(price > 130, "yes!", "no"),
        }
    )


@pytest.fixture(scope="session")
def table():
    return mixed_table()


@pytest.fixture(scope="session")
def regression(table):
    return fit_table(table.drop("dear"), "price", FitSettings(**QUICK, baselines=False))


@pytest.fixture(scope="session")
def classification(table):
    return fit_table(table.drop("price"), "dear", FitSettings(**QUICK, baselines=False))
