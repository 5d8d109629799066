"""The file of a study: what it is, and a row for each training that was done."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from actwise.errors import InputError
from actwise.study.trials import Trained

FILE_NAME = "study.sqlite"
FORMAT = 1
_TABLES = """
create table if not exists study (name text primary key, value text not null);
create table if not exists trainings (
    arm text not null, fingerprint text not null, split integer not null, seed_index integer not null,
    score real, seconds real not null, learning_rate real,
    primary key (arm, split, seed_index)
);
"""


class Store:
    """A study on disk; only the process that runs the study writes it.

    Parameters
    ----------
    directory : Path
        Made where it is missing.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(directory / FILE_NAME)
            self._connection.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"the study cannot be kept in {directory} ({error}): name another folder") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def match(self, study: Mapping[str, Any]) -> None:
        """Keep what the study is, or refuse where the file is of another one.

        Values are plain data; arms and the number of splits, which may grow, are not among them.
        """
        wanted = {name: json.dumps(value, sort_keys=True) for name, value in {**study, "format": FORMAT}.items()}
        kept = dict(self._connection.execute("select name, value from study"))
        if not kept:
            with self._connection:
                self._connection.executemany("insert into study values (?, ?)", wanted.items())
            return
        differing = [name for name in wanted if kept.get(name) != wanted[name]]
        if differing:
            said = "; ".join(f"{name} was {_shown(kept.get(name))} and is {_shown(wanted[name])}" for name in differing)
            raise InputError(f"the folder holds another study ({said}): name another folder, or ask for the same study")

    def trainings(self, fingerprints: Mapping[str, str]) -> list[Trained]:
        """Return what was done for these arms; refuse arms that are not what they were."""
        found = []
        rows = self._connection.execute(
            "select arm, fingerprint, split, seed_index, score, seconds, learning_rate from trainings"
        )
        for arm, fingerprint, split, seed_index, score, seconds, rate in rows:
            if arm not in fingerprints:
                continue
            if fingerprint != fingerprints[arm]:
                raise InputError(
                    f"the study in this folder has another arm of the name {arm!r}: call the new one something else, "
                    "or name another folder"
                )
            found.append(Trained(arm, split, seed_index, float("nan") if score is None else score, seconds, rate))
        return found

    def add(self, trainings: Iterable[Trained], fingerprints: Mapping[str, str]) -> None:
        """Keep trainings, all of them or none."""
        with self._connection:
            self._connection.executemany(
                "insert or ignore into trainings values (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        each.arm, fingerprints[each.arm], each.split, each.seed_index,
                        each.score if each.score == each.score else None, each.seconds, each.learning_rate,
                    )
                    for each in trainings
                ],
            )  # fmt: skip


def _shown(value: str | None) -> str:
    return "nothing" if value is None else value if len(value) <= 60 else value[:57] + "..."


def open_store(directory: str | Path | None) -> closing[Store] | None:
    """Open the file of a study, where it is to be kept."""
    return None if directory is None else closing(Store(Path(directory)))
