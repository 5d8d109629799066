"""The doctor: why a network does not learn, answered by experiment."""

from actwise.doctor.api import check_settings, diagnose
from actwise.doctor.changes import FEW_UPDATES
from actwise.doctor.examine import examine
from actwise.doctor.findings import Diagnosis, Finding, Repaired
from actwise.doctor.prescriptions import Origin
from actwise.doctor.rules import Suspicion, suspicions
from actwise.doctor.subjects import FEWEST_HELD_OUT, Data, Subject
from actwise.doctor.targets import Targets, as_targets

__all__ = [
    "FEWEST_HELD_OUT",
    "FEW_UPDATES",
    "Data",
    "Diagnosis",
    "Finding",
    "Origin",
    "Repaired",
    "Subject",
    "Suspicion",
    "Targets",
    "as_targets",
    "check_settings",
    "diagnose",
    "examine",
    "suspicions",
]
