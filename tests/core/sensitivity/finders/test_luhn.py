from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from router.core.sensitivity.finders.luhn import LONGEST, PAIRS, right_numbers


def test_a_number_is_found_where_it_begins_whatever_is_between() -> None:
    assert list(right_numbers(b"12 x 4111-1111, 1111\n1111 0")) == [5]
    assert list(right_numbers(b"a4111111111111111")) == [1]
    assert list(right_numbers(b"4111 1111 1111 1112")) == []
    assert list(right_numbers(b"14111111111111111")) == []


@given(st.text(st.sampled_from("01234456789 -"), max_size=200))
def test_it_leaves_out_no_number_that_is_right(text: str) -> None:
    begins = [at for at, char in enumerate(text) if char.isdigit() and not text[at - 1 : at].isdigit()]
    follow = {at: "".join(filter(str.isdigit, text[at:])) for at in begins}
    expected = {
        at
        for at, digits in follow.items()
        for length, pairs in PAIRS.items()
        if len(digits) >= length and digits[:1] == "4" and b"4." in pairs and luhn.is_valid(digits[:length])
    }

    assert expected <= set(right_numbers(text.encode())) <= set(begins)


def test_a_block_may_be_full_of_digits() -> None:
    assert list(right_numbers(b"0" * LONGEST)) == []
    assert list(right_numbers(b"4" + b"1" * (LONGEST - 1))) == [0]
    assert list(right_numbers(b"")) == []
