"""The doctor: why a network does not learn, answered by experiment."""

from actwise.doctor.api import check_settings, diagnose
from actwise.doctor.findings import Diagnosis, Finding, Repaired
from actwise.doctor.functions import FunctionsDiagnosis, FunctionsFinding, diagnose_functions
from actwise.doctor.rules import Suspicion

__all__ = [
    "Diagnosis",
    "Finding",
    "FunctionsDiagnosis",
    "FunctionsFinding",
    "Repaired",
    "Suspicion",
    "check_settings",
    "diagnose",
    "diagnose_functions",
]
