"""Built-in aggregators of milbench."""
