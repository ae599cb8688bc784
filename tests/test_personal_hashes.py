"""Keyed hashes are the first eight bytes of HMAC-SHA-256 as RFC 4231 prints it."""

from cvm_analysis.personal.hashes import BYTES, keyed_hashes


def test_hashes_are_those_in_print():
    # RFC 4231, test cases 1 and 2; the texts between them change nothing.
    hi = keyed_hashes(b"\x0b" * 20, ["Hi There", "x", "", "Hi There"])
    first, _, _, again = hi
    assert first == again == bytes.fromhex("b0344c61d8db38535ca8afceaf0bf12b")[:BYTES]
    (second,) = keyed_hashes(b"Jefe", ["what do ya want for nothing?"])
    assert second == bytes.fromhex("5bdcc146bf60754e6a042426089575c7")[:BYTES]
