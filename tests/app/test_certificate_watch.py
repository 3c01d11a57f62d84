from __future__ import annotations

import asyncio
import logging
import ssl

import pytest
from support.waiting import until

from router.app import certificate_watch
from router.app.certificate_watch import follow_certificate, warn_of_plain_http
from router.system.certificate import CertificateUnusable, NoCertificate


class Scripted(NoCertificate):
    def __init__(self, *answers: bool | Exception) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.answers = list(answers)

    def poll(self) -> bool:
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_without_a_certificate_nothing_is_followed() -> None:
    await asyncio.wait_for(follow_certificate(NoCertificate()), 5)


async def test_every_change_is_told_and_none_ends_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(certificate_watch, "POLL_SECONDS", 0.001)
    certificate = Scripted(True, CertificateUnusable("a key is missing"), RuntimeError("a defect"), True)
    with caplog.at_level(logging.INFO, "breakeven.tls"):
        following = asyncio.create_task(follow_certificate(certificate))
        await until(lambda: len(caplog.records) == 4)
    following.cancel()
    told = [record.getMessage().partition(",")[0] for record in caplog.records]
    assert told == ["certificate renewed", *["certificate not renewed"] * 2, "certificate renewed"]
    assert vars(caplog.records[1])["why"] == "a key is missing"


def test_plain_http_that_others_can_reach_is_told(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_plain_http({"--host": "0.0.0.0", "--admin-host": "127.0.0.1"})
    assert [vars(record)["option"] for record in caplog.records] == ["--host"]
