"""JSON documents that every reader of JSON accepts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def to_json(document: Any) -> str:
    """Write a document as JSON; infinities and NaN, for which JSON has no number, become text.

    Parameters
    ----------
    document : object
        Mappings, sequences, strings, numbers, truth values and None.

    Returns
    -------
    str
        Indented JSON.

    Examples
    --------
    >>> print(to_json({"range": (0.0, math.inf)}))
    {
     "range": [
      0.0,
      "inf"
     ]
    }
    """
    return json.dumps(_plain(document), indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
