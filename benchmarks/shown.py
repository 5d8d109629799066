"""How the benchmark's results are shown: in the terminal and as Markdown."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from works import WORKS

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def duration(seconds: float) -> str:
    """Write a time with three digits.

    >>> duration(0.0000123)
    '12.3 µs'
    """
    factor, unit = next((each for each in UNITS if seconds >= each[0]), UNITS[-1])
    return f"{seconds / factor:.3g} {unit}"


def _aim(row: dict[str, Any], name: str) -> str:
    aim = row["aims"].get(name)
    if aim is None:
        return ""
    wanted = f"{aim['aim']:.0%}" if name == "limit" else f"{aim['aim']:g}x"
    return f"{wanted}: {'reached' if aim['reached'] else 'missed'}"


def cells(row: dict[str, Any]) -> list[list[str]]:
    """Return a row's cells: who, time, spread, ratio, aim, first call, agreement."""
    ours = row["peers"].get("actwise", {}).get("seconds")
    found = []
    for name, peer in row["peers"].items():
        if "failed" in peer:
            found.append([name, "-", "", "", f"failed: {peer['failed']}", "", ""])
            continue
        ratio = ""
        if ours and name == "limit":
            ratio = f"{peer['seconds'] / ours:.0%} of it reached"
        elif ours and name != "actwise":
            ratio = f"{peer['seconds'] / ours:.3g}x"
        aim = _aim(row, name)
        if f"{name} time" in row["aims"]:
            wanted = row["aims"][f"{name} time"]
            aim = f"{duration(wanted['aim'])}: {'reached' if wanted['reached'] else 'missed'}"
        agrees = {True: "yes", False: f"NO ({peer['apart']:.1e})" if peer["apart"] else "NO", None: "-"}[peer["agrees"]]
        found.append(
            [name, duration(peer["seconds"]), f"±{peer['spread']:.0%}", ratio, aim,
             duration(peer["first_call_seconds"]), agrees]
        )  # fmt: skip
    return found


HEADINGS = ("", "time", "spread", "ratio", "aim", "start and first call", "same result")


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print results to the terminal."""
    console = Console()
    for row in rows:
        unit = "call" if row["work"]["kind"] == "predict" else "step of one network"
        threads = f"{row['threads']} thread{'s' * (row['threads'] > 1)}"
        table = Table(title=f"{row['work']['name']}: {row['title']}; {threads}, per {unit}", title_justify="left")
        for heading in HEADINGS:
            table.add_column(heading, justify="left" if heading in ("", "aim") else "right", no_wrap=heading == "")
        for each in cells(row):
            table.add_row(*each)
        console.print(table)


def markdown(result: dict[str, Any]) -> str:
    """Return all results as a Markdown page."""
    machine = result["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    aims = [(row, name, aim) for row in result["rows"] for name, aim in row["aims"].items()]
    reached = sum(aim["reached"] for _, _, aim in aims)
    lines = [
        "# Speed of training and prediction",
        "",
        f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}; {packages}.",
        "",
        "Made by `python benchmarks/training.py --json benchmarks/results/training.json`, which says how the work is",
        "kept the same for all. Times are medians of rounds in turn, per step of one network, or per call of predict;",
        "spread is half of slowest minus fastest round. *limit* is the matrix products of the same shapes alone, with",
        "the fastest BLAS call. *ratio* is how many times longer than Actwise it takes. A spread beyond 10 % says",
        "that something else ran on the machine meanwhile. scikit-learn does less than the others for XOR",
        "(`benchmarks/peers/with_sklearn.py`), so its result is not compared there.",
        "",
        f"{reached} of {len(aims)} aims are reached. `benchmarks/LOG.md`, entry 37, says why others are not. Missed:",
        "",
    ]
    for row, name, aim in aims:
        if not aim["reached"]:
            got = duration(aim["seconds"]) if "seconds" in aim else f"{aim['ratio']:.3g}"
            wanted = duration(aim["aim"]) if "seconds" in aim else f"{aim['aim']:g}"
            lines.append(f"- {row['work']['name']}, {row['threads']} thread(s), {name}: {got} instead of {wanted}")
    there = {(row["work"]["name"], row["threads"]) for row in result["rows"]}
    for threads in (1, 2):
        absent = [work.name for work in WORKS if (work.name, threads) not in there]
        if absent:
            lines += ["", f"Not measured with {threads} thread{'s' * (threads > 1)}: {', '.join(absent)}."]
    for row in result["rows"]:
        lines += ["", f"## {row['title']}; {row['threads']} thread{'s' * (row['threads'] > 1)}", ""]
        lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
        lines += ["| " + " | ".join(each) + " |" for each in cells(row)]
    return "\n".join(lines) + "\n"
