"""Models as ONNX graphs: native operators where they mean the same, composed ones everywhere else."""
