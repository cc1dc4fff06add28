"""What other tools write and read: their files of features, their tables, their names."""
