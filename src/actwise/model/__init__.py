"""What an engine runs and trains: layers, losses, optimizers, schedules, initial values, networks."""
