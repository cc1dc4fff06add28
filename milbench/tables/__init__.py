"""A user's own data: a table of labels, a folder of features, and what does not fit together."""
