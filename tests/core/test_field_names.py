from hypothesis import given
from hypothesis import strategies as st

from router.core.field_names import escape_name, unescape_name


@given(st.text(alphabet="ab|%7C25", max_size=8))
def test_a_name_comes_back_and_never_separates(name: str) -> None:
    assert "|" not in escape_name(name)
    assert unescape_name(escape_name(name)) == name
