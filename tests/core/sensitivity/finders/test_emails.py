import pytest

from router.core.sensitivity.finders.emails import email
from router.core.sensitivity.finders.text import Text, flat


def found(text: str) -> bool:
    return email(Text(flat(text.encode())))


@pytest.mark.parametrize(
    "text",
    [
        "bob@example.com",
        "Bob.Smith+tag@mail.example.co.uk",
        "<bob@example.com>",
        "bob@example.com.",
        "bob_@example.com",
        "\\nbob@example.com",
        "bob@xn--mnchen-3ya.xn--p1ai",
        "legit@example.com",
        "mail git@example.com, bob@example.com",
        "bob@münchen.de",
        "jürgen@example.de",
        "用户@例子.公司",
        "иван@почта.рф",
        "邮箱bob@example.com。",
        "bob(at)example.com",
        "bob [at] example [dot] com",
        "bob (at) example dot com",
        "Bob AT example DOT com",
    ],
)
def test_addresses(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "no at sign",
        "@property",
        "@app.route('/x')",
        "\\n@app.route",
        "bob@localhost",
        "git@github.com:org/repo.git",
        "logo@2x.png",
        "types@18.0.0",
        "npm install react@next.js",
        "y = a@b.transpose()",
        "x@y.T",
        "a @ b.com",
        "bob@.com",
        "bob@example.com_",
        "see you at example dot",
        "look (at) this.",
        "(at) example.com",
        "image(at)example.png",
        "@用户.公司",
        "关注@张三",
    ],
)
def test_no_addresses(text: str) -> None:
    assert not found(text)
