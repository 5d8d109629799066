"""The doctor: why a network does not learn, answered by experiment."""

from actwise.doctor.api import check_settings, diagnose
from actwise.doctor.causes import Suspicion
from actwise.doctor.diagnosis import Diagnosis, Finding, Repaired

__all__ = ["Diagnosis", "Finding", "Repaired", "Suspicion", "check_settings", "diagnose"]
