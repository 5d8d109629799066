"""How a task is learned: from the task and the size of the data to a plan."""
