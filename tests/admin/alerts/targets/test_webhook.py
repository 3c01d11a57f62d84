"""What a webhook gets, and how it is signed."""

from __future__ import annotations

import base64
import hashlib
import hmac

from msgspec.structs import replace
from support.alerting import MESSAGE, SECRET, plan_with

from router.admin.alerts.targets.registry import sender_of
from router.admin.alerts.targets.webhook import body_of, key_of, signature


async def test_it_comes_as_json_with_an_id_and_a_signature_over_both(receiver):
    await sender_of("ops", plan_with(receiver.url).policy, lambda: 1_700_000_000.9).send(MESSAGE)
    (got,) = receiver.received
    assert got.headers["content-type"] == "application/json"
    assert (got.headers["webhook-id"], got.headers["webhook-timestamp"]) == ("m1", "1700000000")
    expected = hmac.new(SECRET.encode(), b"m1.1700000000." + got.body, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert got.json == {
        "version": 1,
        "id": "m1",
        "created": 10.0,
        "alerts": [
            {
                "id": "c1-firing",
                "state": "firing",
                "condition": "limit",
                "severity": "warning",
                "subject": "global: usd_per_day",
                "title": "Half of it",
                "text": "$1 of $2",
                "since": 9.0,
                "at": 9.0,
            }
        ],
    }
    assert SECRET not in str(got)


def test_what_is_sent_again_is_the_same():
    assert body_of(replace(MESSAGE, attempts=3)) == body_of(MESSAGE)


def test_a_known_signature():
    """The example of the specification (https://github.com/standard-webhooks/standard-webhooks)."""
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1_614_265_330
    body = b'{"test": 2432232314}'
    assert (
        signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_secret_that_only_begins_like_an_encoded_one_is_taken_as_it_is():
    assert key_of("whsec_no base64") == b"whsec_no base64" and key_of("plain") == b"plain"
