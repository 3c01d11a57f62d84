"""What a policy may say of alerts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from router.core.alerts.policy import Alerts

HOOK = {"kind": "webhook", "url": "https://ops.example.com/x?room=1", "secret": "env:HOOK"}


def target(**fields):
    return Alerts.model_validate({"targets": {"ops": HOOK | fields}}).targets["ops"]


@pytest.mark.parametrize("url", ["env:HOOK_URL", "file:/etc/hook", "http://10.0.0.1:9/x", HOOK["url"]])
def test_an_address_or_where_one_is_kept(url):
    assert target(url=url).url == url


@pytest.mark.parametrize(
    "url", ["ftp://x/y", "ops.example.com", "https://me:pw@ops.example.com", "https://x:99999/", "env:"]
)
def test_what_is_no_address_is_refused_and_not_repeated(url):
    with pytest.raises(ValidationError) as refused:
        target(url=url)
    (error,) = refused.value.errors()
    assert "pw" not in error["msg"]


def test_a_secret_never_stands_in_the_policy():
    with pytest.raises(ValidationError):
        target(secret="hunter2")


def test_it_tells_where_its_secrets_are_kept():
    assert target().secrets() == (("secret", "env:HOOK"),)
    assert target(url="env:URL").secrets() == (("url", "env:URL"), ("secret", "env:HOOK"))


MAIL = {"kind": "mail", "host": "smtp.example.com", "sender": "gateway@example.com", "to": ["ops@example.com"]}


def mail(**fields):
    return Alerts.model_validate({"targets": {"post": MAIL | fields}}).targets["post"]


def test_mail_signs_in_with_both_or_with_nothing_and_never_in_the_clear():
    assert mail().port == 587 and mail(user="me", password="env:SMTP").secrets() == (("password", "env:SMTP"),)
    for wrong in ({"user": "me"}, {"password": "env:SMTP"}, {"user": "me", "password": "env:SMTP", "tls": "none"}):
        with pytest.raises(ValidationError):
            mail(**wrong)


@pytest.mark.parametrize("address", ["ops", "a@b\nBcc: c@d", "a b@example.com", "a@b,c@d"])
def test_an_address_is_one_address(address):
    with pytest.raises(ValidationError):
        mail(to=[address])
