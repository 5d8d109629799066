"""Tables in, numeric matrices out, and back.

`read_table` and `scan_batches` read files, frames and bundled samples; `find_target` tells what is
to be learned; `TableEncoding` learns from the training rows
how each column becomes numbers.

Examples
--------
>>> from actwise.tasks import split_rows
>>> table = read_table("sample:iris")
>>> target = find_target(table, "species")
>>> rows = target.labelled_rows(table)
>>> split = split_rows(len(rows), classes=target.encode(table, rows))
>>> training_rows = rows[split.train]
>>> encoding = TableEncoding.learn(table, target.names, training_rows)
>>> encoding.encode(table, training_rows).shape
(90, 4)
"""

from actwise.tables.columns import (
    BooleanColumn,
    CategoryColumn,
    Column,
    DateColumn,
    DroppedColumn,
    NumberColumn,
)
from actwise.tables.encoding import TableEncoding
from actwise.tables.learning import learn_column
from actwise.tables.options import ReadOptions
from actwise.tables.reading import Reading, default_targets, read_table, read_training_table, scan_batches
from actwise.tables.samples import sample_names, sample_table
from actwise.tables.targets import Target, find_target

__all__ = [
    "BooleanColumn",
    "CategoryColumn",
    "Column",
    "DateColumn",
    "DroppedColumn",
    "NumberColumn",
    "ReadOptions",
    "Reading",
    "TableEncoding",
    "Target",
    "default_targets",
    "find_target",
    "learn_column",
    "read_table",
    "read_training_table",
    "sample_names",
    "sample_table",
    "scan_batches",
]
