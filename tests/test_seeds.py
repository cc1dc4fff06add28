"""Seeds follow from names."""

from milbench.seeds import seed


def test_seed_is_the_head_of_a_published_hash() -> None:
    """SHA-256 of 'abc' begins with ba7816bf (FIPS 180-2, appendix B.1)."""
    assert seed("abc") == 0xBA7816BF


def test_parts_are_joined_by_slashes() -> None:
    """Numbers and text make one name."""
    assert seed("musk1", 3) == seed("musk1/3")
