"""Tables in, numeric matrices out, and back.

`read_table` and `scan_batches` read files, frames and bundled samples; `find_task` tells what a target asks
for; `split_rows` chooses training, validation and test rows; `TableEncoding` learns from the training rows
how each column becomes numbers.

Examples
--------
>>> table = read_table("sample:iris")
>>> target = find_task(table, "species")
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
from actwise.tables.reading import default_targets, read_table, scan_batches
from actwise.tables.samples import sample_names, sample_table
from actwise.tasks.find import find_task
from actwise.tasks.splits import Split, split_rows
from actwise.tasks.targets import Target

__all__ = [
    "BooleanColumn",
    "CategoryColumn",
    "Column",
    "DateColumn",
    "DroppedColumn",
    "NumberColumn",
    "Split",
    "TableEncoding",
    "Target",
    "default_targets",
    "find_task",
    "learn_column",
    "read_table",
    "sample_names",
    "sample_table",
    "scan_batches",
    "split_rows",
]
