"""Built-in datasets of milbench."""
