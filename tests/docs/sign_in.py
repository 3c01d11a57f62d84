"""The reference of docs/sign-in.md, made from the type that the provider's file is read as."""

from __future__ import annotations

import sys
from pathlib import Path

from router.admin.auth.oidc.settings_file import ProviderFile
from router.config.schema import annotated
from tests.docs.reference import settings_of, tables, with_reference


def with_settings(document: str) -> str:
    return with_reference(document, tables(settings_of(annotated(ProviderFile.model_json_schema()))))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_settings(Path(name).read_text()))
