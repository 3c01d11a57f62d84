import pytest

from router.core.sensitivity.finders.social import us_ssn
from router.core.sensitivity.finders.text import Text, flat


def found(text: str) -> bool:
    return us_ssn(Text(flat(text.encode())))


@pytest.mark.parametrize(
    "text",
    [
        "123-45-6789",
        "123 45 6789",
        "078-05-1120",
        "SSN: 123-45-6789.",
        "line 3 123-45-6789",
        "\\t123-45-6789",
        "SSN 123456789",
        "123456789 is her social security number",
        "Social-Security no. 123456789",
        "123.45.6789",
        "123/45/6789",
        "123_45_6789",
        "123 - 45 - 6789",
        "SSN123456789",
        '{"ssn": 123456789}',
        "taxpayer id 123456789",
        *("my ssn219-09-9999 ok", "x219-09-9999", "219-09-9999ssn", "JohnDoe219-09-9999", "a123 - 45 - 6789b"),
    ],
)
def test_social_security_numbers(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "123-45-0000",
        "123-45 6789",
        "1123-45-6789",
        "123-45-67890",
        "1-123-45-6789",
        "123-45-6789-1",
        "1 123 45 6789",
        "a123.45.6789",
        "123 45 6789b",
        "123456789",
        "order number 123456789",
        "SSN 1234567890",
        "SSN 000456789",
        "SSN a123456789",
        "SSN is required for 3 of them, order 123456789",
        "SSN is on the form that you can download, order 123456789",
        "passn123456789x",
        "tax idea 123456789",
        "2024-01-1512",
    ],
)
def test_no_social_security_numbers(text: str) -> None:
    assert not found(text)
