"""What is to be learned: the kind of task, its targets, scaling, splits, metrics and baselines."""
