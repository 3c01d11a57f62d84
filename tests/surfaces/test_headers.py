from __future__ import annotations

from router.surfaces.headers import FROM_BACKEND, FROM_BACKEND_PREFIXES, TO_BACKEND


def test_names_are_written_as_connections_give_them() -> None:
    assert all(name == name.lower() for name in (*TO_BACKEND, *FROM_BACKEND, *FROM_BACKEND_PREFIXES))
