import pytest

from router.litellm_adapter.installed import MALICIOUS, UnusableError, check_version


def test_a_good_version_is_used() -> None:
    assert check_version("1.106.2") == "1.106.2"


def test_a_missing_library_names_the_remedy() -> None:
    with pytest.raises(UnusableError, match=r"pip install 'breakeven\[litellm\]'"):
        check_version(None)


@pytest.mark.parametrize("version", sorted(MALICIOUS))
def test_malicious_releases_are_refused(version: str) -> None:
    with pytest.raises(UnusableError, match=f"litellm {version} is a known malicious release"):
        check_version(version)
