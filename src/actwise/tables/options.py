"""What a person, or an earlier look at the training file, settles about the reading of a table."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from actwise.errors import InputError

ColumnType = Literal["number", "category", "date", "ignore"]
DateOrder = Literal["day", "month", "year"]
Decimal = Literal["point", "comma"]
LONGEST_COMMENT = 5


@dataclass(frozen=True)
class ReadOptions:
    """How a table is read where its cells do not tell, or tell something wrong.

    Parameters
    ----------
    encoding : str, optional
        The code page of text that is not UTF-8; guessed from its letters if left out.
    skip_rows : int, optional
        Lines above the one with the column names; found if left out.
    comment : str, optional
        What starts a line that is no row; found if left out.
    date_order : {"day", "month", "year"}, optional
        Which part of a date such as 01/02/03 stands first.
    decimal : {"point", "comma"}, optional
        The decimal mark of columns whose own cells do not show it.
    missing : tuple of str
        Words, or numbers such as -999, that stand for a missing value beside the usual ones.
    present : tuple of str
        Words such as NA that are usually taken for a missing value, and are labels in this table.
    types : tuple of str
        What columns hold, as ``COLUMN=number``, ``COLUMN=category``, ``COLUMN=date`` or ``COLUMN=ignore``.

    Raises
    ------
    InputError
        If a value cannot be used; the message names it.

    Examples
    --------
    >>> ReadOptions(types=("zip=category",)).type_of("zip")
    'category'
    """

    encoding: str | None = None
    skip_rows: int | None = None
    comment: str | None = None
    date_order: DateOrder | None = None
    decimal: Decimal | None = None
    missing: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.encoding is not None and not _is_text_encoding(self.encoding):
            raise InputError(f"must be one such as utf-8, cp1252 or shift_jis, not {self.encoding!r}", "encoding")
        if self.skip_rows is not None and self.skip_rows < 0:
            raise InputError(f"must be 0 or a positive whole number, not {self.skip_rows}", "skip_rows")
        if self.comment is not None and not 0 < len(self.comment.encode()) <= LONGEST_COMMENT:
            raise InputError(f"must be the first one to five characters of a line, not {self.comment!r}", "comment")
        for name, value, known in (
            ("date_order", self.date_order, get_args(DateOrder)),
            ("decimal", self.decimal, get_args(Decimal)),
        ):
            if value is not None and value not in known:
                raise InputError(f"must be {' or '.join(map(repr, known))}, not {value!r}", name)
        for each in self.types:
            column, _, kind = each.rpartition("=")
            if not column or kind not in get_args(ColumnType):
                raise InputError(
                    f"must be written COLUMN=TYPE with the type {', '.join(get_args(ColumnType))}, not {each!r}", "type"
                )

    @property
    def typed_columns(self) -> tuple[str, ...]:
        """The columns whose type was given."""
        return tuple(each.rpartition("=")[0] for each in self.types)

    def type_of(self, column: str) -> str | None:
        """Return the type that was given for a column, the last one if several were."""
        found = [each.rpartition("=")[2] for each in self.types if each.rpartition("=")[0] == column]
        return found[-1] if found else None


DEFAULT = ReadOptions()


def merged(words: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """Join words, each one once."""
    return tuple(dict.fromkeys((*words, *more)))


def _is_text_encoding(name: str) -> bool:
    try:
        return bool(codecs.lookup(name)._is_text_encoding)
    except LookupError:
        return False
