"""Sources that are copied into a cache folder, named by their content, and compiled there."""
