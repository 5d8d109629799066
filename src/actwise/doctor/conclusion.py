"""From experiments to causes, the likeliest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from actwise.doctor.causes import CERTAIN, EXPLANATIONS, Code, Suspicion, plausible
from actwise.doctor.diagnosis import Diagnosis, Finding, untried
from actwise.doctor.search import CLOSED, Cure, Tried, plausibility, rank
from actwise.doctor.snippets import as_code

HELPFUL = 0.2  # share of the gap from which a change is worth a word
PLAUSIBLE = 0.4  # weight from which a suspicion goes before changes that only help


def conclude(
    known: Diagnosis,
    suspected: list[Suspicion],
    singles: Sequence[Tried],
    pairs: Sequence[Tried],
    cure: Cure | None,
) -> Diagnosis:
    """Order the causes: what is certain, what was repaired by single changes, by pairs, and what was only seen."""
    weights = plausible(suspected)
    dialect = known.setup.origin.dialect if known.setup else "network"
    repairing = sorted((each for each in singles if each.closed >= CLOSED), key=lambda each: -rank(each, weights))
    pairs = sorted((each for each in pairs if each.closed >= CLOSED), key=lambda each: -rank(each, weights))
    helping = sorted((each for each in singles if HELPFUL <= each.closed < CLOSED), key=lambda each: -each.closed)
    evidence = {each.code: each for each in sorted(suspected, key=lambda each: each.weight)}
    findings: list[Finding] = []

    def add(code: Code, tried: Tried | None) -> None:
        if any(each.code == code for each in findings):
            return
        suspicion = evidence.get(code)
        if tried is None:
            if suspicion is not None:
                findings.append(untried(suspicion))
            return
        shown = f"with {tried.text} it reaches {median(tried.scores):.3f}"
        findings.append(
            Finding(
                code, suspicion.evidence if suspicion else shown, EXPLANATIONS[code], tried.text,
                as_code(tried.settings, dialect), suspicion.layer if suspicion else None,
                tried.scores, tried.closed, tried.settings,
            )
        )  # fmt: skip

    def best_with(code: Code) -> Tried | None:
        for each in (*repairing, *pairs, *helping):
            if any(code in change.codes for change in each.changes):
                return each
        return None

    for each in suspected:
        if each.weight == CERTAIN:
            add(each.code, best_with(each.code))
    for tried in repairing:
        # Another activation repairs units that died: then their death is the cause, seen and proven.
        if "hidden_activation" in tried.changes[0].codes and "dead_units" in evidence:
            add("dead_units", tried)
        # The change names its causes in order; a strong suspicion goes before that.
        for code in sorted(tried.changes[0].codes, key=lambda code: -max(weights.get(code, 0.0), PLAUSIBLE)):
            add(code, tried)
    for tried in pairs:
        for change in sorted(tried.changes, key=lambda change: (-plausibility(change, weights), change.order)):
            add(change.codes[0], tried)
    if not repairing and not pairs:
        for each in suspected:
            if each.weight >= PLAUSIBLE:
                add(each.code, best_with(each.code))
        for tried in helping:
            add(tried.changes[0].codes[0], tried)
    for each in sorted(suspected, key=lambda each: -each.weight):
        add(each.code, None)
    if cure is None:
        return replace(known, findings=tuple(findings), note="")
    note = ""
    if not cure.confirmed:
        note = "The budget did not allow for confirming it with other seeds: raise `updates`."
    elif not cure.is_healthy:
        none = "Nothing that was tried closes the gap"
        note = f"{none} completely." if cure.tried.closed > 0 else f"{none}, not even in part."
    certain = any(each.weight == CERTAIN for each in suspected)
    # Where some seeds succeed, or it does better than it did, there is hope.
    better = known.failing_share < 1 or median(cure.tried.scores) > median(known.scores)
    helpless = cure.confirmed and cure.tried.closed <= 0 and not certain and not better
    return replace(
        known, verdict="hopeless" if helpless else known.verdict, findings=tuple(findings), note=note,
        losses=(*known.losses, cure.tried.outcomes[0].losses),
        fixed_setup=cure.tried.setup if cure.is_healthy or cure.tried.closed >= CLOSED else None, cured=cure.is_healthy,
        cure=cure.tried.text, code_of_cure=as_code(cure.tried.settings, dialect),
        settings_of_cure=cure.tried.settings, scores_after=cure.tried.scores, confirmed=cure.confirmed,
    )  # fmt: skip
