"""From experiments to causes, the likeliest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from actwise.doctor.changes import Code
from actwise.doctor.findings import EXPLANATIONS, Diagnosis, Finding
from actwise.doctor.prescriptions import as_code
from actwise.doctor.rules import SURE, Suspicion
from actwise.doctor.trials import REPAIRED, Cure, Tried, plausibility, rank, weights_of

HELPFUL = 0.2  # share of the gap from which a change is worth a word
PLAUSIBLE = 0.4  # weight from which a suspicion goes before changes that only help


def from_suspicion(each: Suspicion) -> Finding:
    """Make a finding of a suspicion that was not tried."""
    return Finding(each.code, each.evidence, EXPLANATIONS[each.code], layer=each.layer)


def conclude(
    known: Diagnosis,
    suspected: Sequence[Suspicion],
    singles: Sequence[Tried],
    pairs: Sequence[Tried],
    cure: Cure | None,
) -> Diagnosis:
    """Order the causes: what is certain, what was repaired by single changes, by pairs, and what was only seen."""
    weights = weights_of(suspected)
    dialect = known.subject.origin.dialect if known.subject else "network"
    repairing = sorted((each for each in singles if each.closed >= REPAIRED), key=lambda each: -rank(each, weights))
    pairs = sorted((each for each in pairs if each.closed >= REPAIRED), key=lambda each: -rank(each, weights))
    helping = sorted((each for each in singles if HELPFUL <= each.closed < REPAIRED), key=lambda each: -each.closed)
    evidence = {each.code: each for each in sorted(suspected, key=lambda each: each.weight)}
    findings: list[Finding] = []

    def add(code: Code, tried: Tried | None) -> None:
        if any(each.code == code for each in findings):
            return
        suspicion = evidence.get(code)
        if tried is None:
            if suspicion is not None:
                findings.append(from_suspicion(suspicion))
            return
        fix = " and ".join(change.text for change in tried.changes)
        shown = f"with {fix} it reaches {median(tried.scores):.3f}"
        findings.append(
            Finding(
                code, suspicion.evidence if suspicion else shown, EXPLANATIONS[code], fix,
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
        if each.weight == SURE:
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
    changes = cure.tried.changes
    note = ""
    if not cure.confirmed:
        note = "There was no time to confirm it with other seeds: give it more seconds."
    elif not cure.heals:
        note = "Nothing that was tried brings it all the way" + ("." if cure.tried.closed > 0 else ", or part of it.")
    certain = any(each.weight == SURE for each in suspected)
    # Where some seeds succeed, or it does better than it did, there is hope.
    better = known.failing_share < 1 or median(cure.tried.scores) > median(known.scores)
    helpless = cure.confirmed and cure.tried.closed <= 0 and not certain and not better
    return replace(
        known, verdict="hopeless" if helpless else known.verdict, findings=tuple(findings), note=note,
        losses=(*known.losses, cure.tried.outcomes[0].losses),
        fixed_subject=changes[-1].subject if cure.heals or cure.tried.closed >= REPAIRED else None, cured=cure.heals,
        cure=" and ".join(each.text for each in changes), code_of_cure=as_code(cure.tried.settings, dialect),
        settings_of_cure=cure.tried.settings, scores_after=cure.tried.scores, confirmed=cure.confirmed,
    )  # fmt: skip
