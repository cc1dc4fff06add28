"""Seeds that follow from names, so that adding a method or a data set moves no other seed."""

from hashlib import sha256


def seed(*parts: str | int) -> int:
    """Return a seed from 0 to 2**32 - 1 that depends on ``parts`` and nothing else."""
    return int.from_bytes(sha256("/".join(map(str, parts)).encode()).digest()[:4], "big")
