"""One record an encoder, one file a family."""
