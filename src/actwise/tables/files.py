"""Find a data file, tell its format, and make it plain: uncompressed and, where it is text, UTF-8.

Everything after this module sees plain files only. A compressed or foreign-encoded file is unpacked once
into a temporary file next to the system's other temporary files, piece by piece, so that a table larger
than memory stays readable. Text that is not UTF-8 is judged by its letters (charset-normalizer).
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import shutil
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import polars as pl

from actwise.errors import ActwiseWarning, TableError, suggest
from actwise.persistence.files import temporary_folder

Format = Literal["delimited", "parquet", "ipc", "ndjson", "json"]

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
    ".json": "json",
}
TEXT_FORMATS: frozenset[Format] = frozenset({"delimited", "ndjson", "json"})
ARCHIVE = ".zip"

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
    b"PK\x03\x04": "is a zip archive or an Excel workbook: name it .zip, or export the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook: export the sheet as CSV",
    b"PAR1": "is a Parquet file: rename it to end in .parquet",
    b"ARROW1": "is an Arrow IPC file: rename it to end in .arrow",
    b"%PDF": "is a PDF document: export its table as CSV",
}
BYTE_ORDER_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
PIECE = 1 << 20
LATIN_PAGES = ["cp1252", "cp1250", "cp1257", "cp1254"]  # the first one where nothing speaks for another
LATIN_RUN = 1.5
MOST_WORDS = 5_000
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
_FOREIGN_LETTERS = re.compile(rb"[\x80-\xff]+")
_FOREIGN_WORD = re.compile(rb"[^\x00-/:;]*[\x80-\xff][^\x00-/:;]*")


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
        beside = [each.name for each in path.parent.iterdir() if _suffix(each) in (*FORMATS, ARCHIVE)]
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
        wanted = ", ".join((*FORMATS, ARCHIVE))
        found = f"ends in {suffix!r}" if suffix else "has no suffix"
        raise TableError(f"cannot tell the format of {path.name!r}: it {found}; known are {wanted}")
    return FORMATS[suffix]


class PlainFile(NamedTuple):
    """A file that polars can read."""

    path: Path
    form: Format
    encoding: str | None  # of the original, where that was not UTF-8


@contextmanager
def plain_file(path: Path, encoding: str | None = None, *, announce: bool = True) -> Iterator[PlainFile]:
    """Lend an uncompressed, UTF-8 copy of a file, or the file itself where it is that already.

    `encoding`: that of text that is not UTF-8; guessed if None.
    `announce`: whether to say which one was guessed.
    """
    with temporary_folder() as folder:
        if _suffix(path) == ARCHIVE:
            plain, form = _from_archive(path, folder)
        else:
            form = file_format(path)
            plain = _unpacked(path, form, folder)
        found = None
        if form in TEXT_FORMATS:
            plain, found = _as_utf8(plain, path.name, folder, encoding, announce)
        yield PlainFile(plain, form, found)


def _suffix(path: Path) -> str:
    """Return the suffix that tells the format, lower case, without that of the compression."""
    suffixes = [each.lower() for each in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSION_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _from_archive(path: Path, folder: Path) -> tuple[Path, Format]:
    """Unpack the one data file of a zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(each) for each in archive.namelist()]
            data = [each for each in names if each.suffix.lower() in FORMATS and not _is_hidden(each)]
            if len(data) != 1:
                held = ", ".join(repr(str(each)) for each in data[:5]) or "no data file"
                raise TableError(f"{path.name!r} should hold one data file, and holds {held}: unzip it and name one")
            target = folder / "unpacked"
            with archive.open(str(data[0])) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file, PIECE)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise TableError(f"{path.name!r} is damaged and cannot be unpacked: copy or download it again") from error
    except (RuntimeError, NotImplementedError) as error:
        raise TableError(f"{path.name!r} cannot be unpacked ({error}): unzip it first") from error
    return target, FORMATS[data[0].suffix.lower()]


def _is_hidden(name: PurePosixPath) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.parts)


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


def _as_utf8(plain: Path, name: str, folder: Path, given: str | None, announce: bool) -> tuple[Path, str | None]:
    r"""Re-encode a text file to UTF-8 with ``\n`` line ends where it is not that already."""
    with plain.open("rb") as file:
        head = file.read(PIECE)
    for magic, problem in FOREIGN.items():
        if head.startswith(magic):
            raise TableError(f"{name!r} {problem}")
    encoding = _marked_encoding(head) or _unmarked_encoding(plain, name, given)
    guessed = not encoding
    if guessed:
        encoding = _guess(plain)
        if announce:
            warnings.warn(
                f"{name!r} is not UTF-8 text and was read as {encoding}: look at its letters, and name its encoding "
                "(--encoding) if they are wrong",
                ActwiseWarning,
                stacklevel=4,
            )
    if encoding == "utf-8" and not _has_bare_returns(head):
        return plain, None
    target = folder / "utf-8"
    try:
        with (
            plain.open(encoding=encoding, errors="replace" if guessed else "strict", newline="") as source,
            target.open("w", encoding="utf-8", newline="") as file,
        ):
            _copy_lines(source, file, _has_bare_returns(head.decode(encoding, "replace").encode()))
    except UnicodeDecodeError as error:
        raise TableError(
            f"{name!r} is damaged, or is no {encoding} text: save it again in UTF-8, or name its encoding (--encoding)"
        ) from error
    return target, None if encoding.startswith("utf") else encoding


def _has_bare_returns(head: bytes) -> bool:
    r"""Tell whether ``\r`` alone ends most lines, or stands before ``\r\n``."""
    bare = head.count(b"\r") - head.count(b"\r\n")
    return b"\r\r\n" in head or bare > head.count(b"\n")


def _copy_lines(source: io.TextIOBase, file: io.TextIOBase, bare_returns: bool) -> None:
    held = ""
    while piece := source.read(PIECE):
        if bare_returns:
            piece = held + piece
            held = piece[len(piece.rstrip("\r\n")) :]
            piece = piece[: len(piece) - len(held)]
            piece = re.sub("\r+\n|\r", "\n", piece)
        file.write(piece)
    file.write(re.sub("\r+\n|\r", "\n", held))


def _marked_encoding(head: bytes) -> str | None:
    """Tell UTF-16 and UTF-32 by their marks."""
    if head.startswith(BYTE_ORDER_MARKS[:2]):
        return "utf-32"
    return "utf-16" if head.startswith(BYTE_ORDER_MARKS[2:]) else None


def _unmarked_encoding(plain: Path, name: str, given: str | None) -> str:
    """Return UTF-8 for text that is it beyond doubt, else the one given; empty where none was."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, beyond_ascii, has_nul = True, False, False
    with plain.open("rb") as file:
        while piece := file.read(PIECE):
            has_nul |= b"\0" in piece
            beyond_ascii |= not piece.isascii()
            try:
                decoder.decode(piece, final=len(piece) < PIECE)
            except UnicodeDecodeError:
                is_utf8 = False
                break
    if is_utf8 and not has_nul and (beyond_ascii or given is None):
        return "utf-8"
    if has_nul and given is None:
        raise TableError(f"{name!r} holds NUL bytes, so it is no text: save it as CSV in UTF-8")
    return given or ""


def _guess(plain: Path) -> str:
    """Guess the code page of text that is not UTF-8 from the words with letters beyond ASCII."""
    from charset_normalizer import from_bytes  # heavy: loaded only for such text

    with plain.open("rb") as file:
        words = list(dict.fromkeys(_FOREIGN_WORD.findall(file.read(PIECE * 8))))[:MOST_WORDS]
    text = b" ".join(words)
    runs = [len(run) for run in _FOREIGN_LETTERS.findall(text)]
    # Alphabets other than Latin, and Chinese characters, make runs of bytes beyond ASCII; accents stand alone.
    latin = sum(runs) < LATIN_RUN * len(runs)
    matches = from_bytes(text, cp_isolation=LATIN_PAGES if latin else None)
    # Other alphabets often decode to half-width Japanese letters too, which hardly any table holds.
    found = next((each for each in matches if len(_HALF_WIDTH.findall(str(each))) <= len(words)), None)
    if found is None or (latin and str(found) == text.decode(LATIN_PAGES[0], "replace")):
        return LATIN_PAGES[0]
    return found.encoding
