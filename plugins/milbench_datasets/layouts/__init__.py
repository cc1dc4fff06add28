"""Readers of the file layouts in which the classical data sets travel, one file each."""
