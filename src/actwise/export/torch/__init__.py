"""Models as PyTorch modules and as Python files that need PyTorch only, and PyTorch's networks as ours."""
