"""How often the doctor is right: on networks that fail to train and on healthy ones, beside constant answers.

    python benchmarks/doctor.py CASES.json [--json OUT] [--limit N] [--only TEXT] [--jobs N] [--realize FILE]

CASES.json holds networks (with `network` and `training`) or tiny hand-written scripts (with `gate`). The doctor is
given the data, the network and its training, and the task; never a label. ``realize.py``, which turns a `data`
specification into arrays, is looked for beside the file and in the folder above it. Besides its own cases a file
of broken networks is run a second time with the doctor's own cure in place, with other seeds.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import doctor_scripts
import keras_cases
import numpy as np

import actwise as aw
from actwise.doctor.examine import DEFAULT_UPDATES, examine
from actwise.experiments.budget import Budget

# On the same programs, as their authors or later studies report them.
PUBLISHED = (
    "Published tools on these families of programs: UMLAUT calls 109 of 109 healthy models faulty, DeepDiagnosis 68 "
    "of 188; the best of them names the right cause of about half of the broken ones."
)
ALWAYS = "output_activation_mismatch"
LATER_SEEDS = 1000  # a repaired network is examined with other seeds than those that its repair was found with


def find_loader(cases: Path, given: Path | None) -> Callable[..., Any]:
    """Import the function that turns a case's specification into arrays."""
    for path in [given] if given else [cases.parent / "realize.py", cases.parent.parent / "realize.py"]:
        if path.is_file():
            specification = importlib.util.spec_from_file_location("realize", path)
            assert specification is not None
            assert specification.loader is not None
            module = importlib.util.module_from_spec(specification)
            specification.loader.exec_module(module)
            found: Callable[..., Any] = module.load
            return found
    raise SystemExit("realize.py was not found beside the cases; name it with --realize FILE")


def run_network(job: tuple[dict[str, Any], Path, Path | None, int]) -> dict[str, Any]:
    """Diagnose one network, and its repaired version where there is one; an error is a wrong answer."""
    try:
        return _diagnose(*job)
    except Exception as error:  # whatever it is, the other cases shall have their answers
        case, seen = job[0], f"{type(error).__name__}: {error}"
        return {
            "id": case["id"], "really_broken": case["really_broken"], "accepted": case["accepted_causes"],
            "marginal": bool(case.get("marginal")), "verdict": "error", "causes": [], "seconds": 0.0, "score": None,
            "reference": None, "repaired": None, "error": seen,
        }  # fmt: skip


def _diagnose(case: dict[str, Any], cases: Path, realize: Path | None, updates: int) -> dict[str, Any]:
    load = find_loader(cases, realize)
    rebuilt = keras_cases.rebuild(case, load)
    began = time.perf_counter()
    found = aw.diagnose(
        rebuilt.network, rebuilt.X, rebuilt.y, n_train=rebuilt.n_train, updates=updates, **rebuilt.settings
    )
    seconds = time.perf_counter() - began
    repaired = None
    if found.fixed_setup is not None and found.data is not None:
        after = examine(found.fixed_setup, found.data, Budget(updates), seed=LATER_SEEDS)
        repaired = {"verdict": after.verdict, "cured": found.cured, "scores": list(after.scores), "note": after.note}
    return {
        "id": case["id"], "really_broken": case["really_broken"], "accepted": case["accepted_causes"],
        "marginal": bool(case.get("marginal")), "verdict": found.verdict,
        "causes": [each.code for each in found.findings], "seconds": seconds, "score": _median(found.scores),
        "failing_share": found.failing_share, "constant": found.constant_score,
        "reference": found.reference.score if found.reference else None, "repaired": repaired,
        "fix": found.findings[0].fix if found.findings else "",
    }  # fmt: skip


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if len(values) else None


def marked(row: dict[str, Any]) -> dict[str, Any]:
    """Mark what was right about one answer."""
    broken, causes, accepted = row["really_broken"], row["causes"], set(row["accepted"])
    said = row["verdict"] == "broken"
    if broken is None:
        return row | {"right": row["verdict"] == "hopeless", "first": bool(causes[:1]) and causes[0] in accepted}
    if not broken:
        return row | {"right": row["verdict"] == "healthy"}
    return row | {
        "right": said,
        "first": said and bool(causes) and causes[0] in accepted,
        "first_three": said and bool(accepted & set(causes[:3])),
    }


def show(row: dict[str, Any]) -> str:
    """Return a line on one case."""
    kind = {True: "broken", False: "healthy", None: "hopeless"}[row["really_broken"]]
    marks = {
        True: "+" if row.get("first") else "3" if row.get("first_three") else "-" if row["right"] else "!",
        False: "." if row["right"] else "!", None: "." if row["right"] else "!",
    }  # fmt: skip
    names = row.get("error") or ", ".join(row["causes"][:3])
    score = f"{row['score']:.2f}" if row["score"] is not None else "-"
    reference = f"{row['reference']:.2f}" if row["reference"] is not None else "-"
    return (
        f"{marks[row['really_broken']]} {row['id'][:40]:40} {kind:8} said {row['verdict']:9} {score:>5} of "
        f"{reference:>5} {row['seconds']:5.1f} s  {names}"
    )


def shares(rows: Sequence[dict[str, Any]], key: str) -> str:
    """Write a share."""
    return shares_of(sum(bool(row.get(key)) for row in rows), len(rows))


def shares_of(hits: int, n: int) -> str:
    """Write a share in numbers and in percent."""
    return f"{hits} of {n}" + (f" ({hits / n:.0%})" if n else "")


def summary(rows: Sequence[dict[str, Any]], title: str) -> list[str]:
    """Return the sums over cases."""
    broken = [row for row in rows if row["really_broken"]]
    healthy = [row for row in rows if row["really_broken"] is False]
    neither = [row for row in rows if row["really_broken"] is None]
    lines = [f"{title}: {len(rows)} cases"]
    if broken:
        lines += [
            f"  broken detected             {shares(broken, 'right')}",
            f"  first cause accepted        {shares(broken, 'first')}",
            f"  one of the first three      {shares(broken, 'first_three')}",
        ]
    alarms = [row for row in healthy if not row["right"]]
    if healthy:
        lines.append(
            f"  false alarms                {len(alarms)} of {len(healthy)} ({len(alarms) / len(healthy):.0%})"
        )
    if broken and healthy:
        balanced = (np.mean([row["right"] for row in broken]) + np.mean([row["right"] for row in healthy])) / 2
        lines.append(f"  balanced accuracy           {balanced:.1%}")
    if neither:
        lines.append(f"  without signal, said so     {shares(neither, 'right')}")
    repaired = [row["repaired"] for row in broken if row["repaired"]]
    if repaired:
        cured = [each for each in repaired if each["cured"]]
        after, of_cured = (sum(each["verdict"] != "healthy" for each in some) for some in (repaired, cured))
        lines += [
            f"  with a repaired version     {shares_of(len(repaired), len(broken))}",
            f"  false alarms on those       {shares_of(after, len(repaired))}",
            f"  called cured by the doctor  {len(cured)}; false alarms on those alone: {of_cured}",
        ]
    if repaired and healthy:
        lines.append(
            f"  false alarms on healthy and repaired  {shares_of(len(alarms) + after, len(healthy) + len(repaired))}"
        )
    seconds = [row["seconds"] for row in rows]
    if seconds:
        lines.append(
            f"  seconds a case              median {statistics.median(seconds):.1f}, longest {max(seconds):.1f}"
        )
    return lines


def constant_answers(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return what answers that look at nothing reach."""
    broken = [row for row in rows if row["really_broken"]]
    judged = [row for row in rows if row["really_broken"] is not None]
    counts = Counter(code for row in broken for code in row["accepted"])
    lines = [
        f"  always 'broken'             right on {len(broken)} of {len(judged)}, balanced accuracy 50 %",
        f"  always {ALWAYS!r}  accepted on {counts[ALWAYS]} of {len(broken)}",
    ]
    best = counts.most_common(1)
    if best:
        lines.append(f"  the best constant cause     {best[0][0]}: {best[0][1]} of {len(broken)}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--json", type=Path, help="write all answers there")
    parser.add_argument("--limit", type=int, help="only the first so many cases")
    parser.add_argument("--only", help="only cases whose name holds this")
    parser.add_argument("--jobs", type=int, default=1, help="cases at once; times are then those of a busy machine")
    parser.add_argument("--updates", type=int, default=DEFAULT_UPDATES, help="that the doctor may make for a case")
    parser.add_argument("--realize", type=Path, help="the file that defines the data")
    options = parser.parse_args()
    cases = keras_cases.read_cases(options.cases)
    cases = [case for case in cases if not options.only or options.only in case["id"]][: options.limit]
    if cases and "gate" in cases[0]:
        rows = doctor_scripts.run_all(cases)
        written: dict[str, Any] = {"scripts": rows}
    else:
        jobs = [(case, options.cases.resolve(), options.realize, options.updates) for case in cases]
        if options.jobs > 1:
            with ProcessPoolExecutor(options.jobs) as pool:
                found = pool.map(run_network, jobs)
                rows = [_printed(marked(row)) for row in found]
        else:
            rows = [_printed(marked(run_network(job))) for job in jobs]
        lines = summary(rows, "All")
        strict = [row for row in rows if not row["marginal"]]
        if len(strict) < len(rows):
            lines += summary(strict, "Without marginal cases")
        if any(row["really_broken"] for row in rows):
            lines += ["Answers that look at nothing:", *constant_answers(rows), PUBLISHED]
        print("\n" + "\n".join(lines))
        written = {"machine_cores": os.cpu_count(), "updates": options.updates, "summary": lines, "cases": rows}
    if options.json:
        options.json.write_text(json.dumps(written, indent=1) + "\n", "utf-8")


def _printed(row: dict[str, Any]) -> dict[str, Any]:
    print(show(row), flush=True)
    return row


if __name__ == "__main__":
    main()
