"""Find a data file, tell its format, and make it plain: uncompressed and, where it is text, UTF-8.

Everything after this module sees plain files only. A compressed or foreign-encoded file is unpacked once
into a temporary file next to the system's other temporary files, piece by piece, so that a table larger
than memory stays readable.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import polars as pl

from actwise.errors import ActwiseWarning, TableError, suggest

Format = Literal["delimited", "parquet", "ipc", "ndjson"]

FORMATS: dict[str, Format] = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".tab": "delimited",
    ".txt": "delimited",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
}
TEXT_FORMATS: frozenset[Format] = frozenset({"delimited", "ndjson"})

# The suffix only helps to find the one before it; what unpacks a file is decided by its first bytes.
COMPRESSION_SUFFIXES = frozenset({".gz", ".bz2", ".xz", ".lzma", ".zst", ".zstd"})
UNPACKERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x5d\x00\x00": lzma.open,
}
ZSTANDARD = b"\x28\xb5\x2f\xfd"

# What a file is whose first bytes belie a text suffix, and what its owner can do.
FOREIGN: dict[bytes, str] = {
    b"PK\x03\x04": "is a zip archive or an Excel workbook: unzip it, or export the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook: export the sheet as CSV",
    b"PAR1": "is a Parquet file: rename it to end in .parquet",
    b"ARROW1": "is an Arrow IPC file: rename it to end in .arrow",
    b"%PDF": "is a PDF document: export its table as CSV",
}
BYTE_ORDER_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
PIECE = 1 << 20


def find_file(source: str | Path) -> Path:
    """Make sure that a data file exists and holds something.

    `source`: where the file should be; ``~`` is expanded.

    >>> find_file("no/such/folder/data.csv")
    Traceback (most recent call last):
    actwise.errors.TableError: no file 'no/such/folder/data.csv': its folder does not exist either
    """
    path = Path(source).expanduser()
    if path.is_dir():
        raise TableError(f"{str(source)!r} is a directory: name a data file inside it")
    if not path.is_file():
        if not path.parent.is_dir():
            raise TableError(f"no file {str(source)!r}: its folder does not exist either")
        beside = [each.name for each in path.parent.iterdir() if _suffix(each) in FORMATS]
        hint = (
            suggest(path.name, beside, noun="data files in that folder")
            if beside
            else ("its folder holds no data file")
        )
        raise TableError(f"no file {str(source)!r}: {hint}")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise TableError(f"{str(source)!r} cannot be opened ({error.strerror}): look at its permissions") from error
    if empty:
        raise TableError(f"{str(source)!r} is empty: it should hold a table with column names")
    return path


def file_format(path: Path) -> Format:
    """Tell the format of a data file from its name.

    `path`: the file; a compression suffix such as ``.gz`` is looked through.

    >>> file_format(Path("flowers.csv.gz")), file_format(Path("flowers.feather"))
    ('delimited', 'ipc')
    """
    suffix = _suffix(path)
    if suffix not in FORMATS:
        wanted = ", ".join(FORMATS)
        found = f"ends in {suffix!r}" if suffix else "has no suffix"
        raise TableError(f"cannot tell the format of {path.name!r}: it {found}; known are {wanted}")
    return FORMATS[suffix]


@contextmanager
def plain_file(path: Path, file_format: Format, *, announce: bool = True) -> Iterator[Path]:
    """Lend an uncompressed, UTF-8 twin of a file, or the file itself where it is that already.

    `file_format`: its format; only text formats are re-encoded.
    `announce`: whether to say that text was taken for Windows-1252.
    """
    with tempfile.TemporaryDirectory(prefix="actwise-") as folder:
        plain = _unpacked(path, file_format, Path(folder))
        if file_format in TEXT_FORMATS:
            plain = _as_utf8(plain, path.name, Path(folder), announce)
        yield plain


def _suffix(path: Path) -> str:
    """Return the suffix that tells the format, lower case, without that of the compression."""
    suffixes = [each.lower() for each in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSION_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _unpacked(path: Path, file_format: Format, folder: Path) -> Path:
    """Unpack a compressed file into the folder; a plain one is returned as it is."""
    with path.open("rb") as file:
        head = file.read(8)
    target = folder / "unpacked"
    if head.startswith(ZSTANDARD):
        if file_format not in TEXT_FORMATS:
            raise TableError(f"{path.name!r} is packed with Zstandard: unpack it first (zstd -d)")
        _unpack_zstandard_text(path, target)
        return target
    for magic, unpack in UNPACKERS.items():
        if head.startswith(magic):
            try:
                with unpack(path, "rb") as packed, target.open("wb") as file:
                    shutil.copyfileobj(packed, file, PIECE)
            except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
                raise TableError(
                    f"{path.name!r} is damaged and cannot be unpacked: copy or download it again"
                ) from error
            return target
    return path


def _unpack_zstandard_text(path: Path, target: Path) -> None:
    """Unpack Zstandard text with polars, since Python before 3.14 cannot: one column of whole lines."""
    try:
        pl.scan_csv(
            path,
            has_header=False,
            separator="\x1f",
            quote_char=None,
            schema={"line": pl.String},
            glob=False,
        ).sink_csv(target, include_header=False, quote_style="never", separator="\x1f")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{path.name!r} is damaged and cannot be unpacked: copy or download it again") from error


def _as_utf8(plain: Path, name: str, folder: Path, announce: bool) -> Path:
    r"""Re-encode a text file to UTF-8 with ``\n`` line ends where it is not that already."""
    with plain.open("rb") as file:
        head = file.read(PIECE)
    for magic, problem in FOREIGN.items():
        if head.startswith(magic):
            raise TableError(f"{name!r} {problem}")
    encoding = _text_encoding(plain, head, name)
    if encoding == "cp1252" and announce:
        warnings.warn(
            f"{name!r} is not UTF-8 text and was read as Windows-1252: look at letters with accents",
            ActwiseWarning,
            stacklevel=2,
        )
    only_carriage_returns = b"\r" in head and b"\n" not in head
    if encoding == "utf-8" and not only_carriage_returns:
        return plain
    target = folder / "utf-8"
    try:
        with (
            plain.open(encoding=encoding, errors="replace" if encoding == "cp1252" else "strict") as source,
            target.open("w", encoding="utf-8", newline="\n") as file,
        ):
            shutil.copyfileobj(source, file, PIECE)
    except UnicodeDecodeError as error:
        raise TableError(
            f"{name!r} is damaged: it starts as {encoding} text but goes on otherwise; save it again in UTF-8"
        ) from error
    return target


def _text_encoding(plain: Path, head: bytes, name: str) -> str:
    """Tell UTF-8, UTF-16 and UTF-32 by their marks; any other text is taken for Windows-1252."""
    if head.startswith(BYTE_ORDER_MARKS[:2]):
        return "utf-32"
    if head.startswith(BYTE_ORDER_MARKS[2:]):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoding = "utf-8"
    with plain.open("rb") as file:
        while piece := file.read(PIECE):
            if b"\0" in piece:
                raise TableError(f"{name!r} holds NUL bytes, so it is no text: save it as CSV in UTF-8")
            if encoding == "utf-8":
                try:
                    decoder.decode(piece)
                except UnicodeDecodeError:
                    encoding = "cp1252"
    return encoding
