"""What is to be learned: the task, its targets, scaling, splits, metrics and baselines."""

from actwise.tasks.scaling import Scaling
from actwise.tasks.splits import Split, split_rows
from actwise.tasks.task import Task, find_task

__all__ = ["Scaling", "Split", "Task", "find_task", "split_rows"]
