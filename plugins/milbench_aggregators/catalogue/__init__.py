"""The built-in methods, family by family: their names, papers and published settings."""
