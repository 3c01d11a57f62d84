"""What is no regular file, or too much of one, holds up nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from router.config.bounded_files import read_regular
from router.config.load import PolicyError, load
from router.config.secrets import MAX_BYTES, MissingSecretError, resolve


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_file_is_read_to_a_byte_beyond_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    assert read_regular(tmp_path / "file", 20) == b"0123456789"
    assert read_regular(tmp_path / "file", 4) == b"01234"


@pytest.mark.timeout(10)
def test_a_named_pipe_and_a_device_are_not_waited_for(pipe: Path) -> None:
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(OSError, match="it is not a regular file"):
            read_regular(path, 10)


@pytest.mark.timeout(10)
def test_neither_as_a_secret_nor_as_a_policy(pipe: Path) -> None:
    with pytest.raises(MissingSecretError, match="cannot be read: it is not a regular file"):
        resolve(f"file:{pipe}")
    with pytest.raises(PolicyError, match="cannot be read: it is not a regular file"):
        load(pipe)


def test_a_large_file_is_no_secret_and_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "image").open("wb") as file:
        file.truncate(1_500_000_000)
    with pytest.raises(MissingSecretError, match=f"is larger than {MAX_BYTES} bytes: this is hardly a secret"):
        resolve(f"file:{tmp_path}/image")


def test_a_link_to_a_file_is_followed_as_kubernetes_needs(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("hunter2\n")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert resolve(f"file:{tmp_path}/link").reveal() == "hunter2"
