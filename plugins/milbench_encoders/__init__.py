"""Built-in encoders of milbench."""
