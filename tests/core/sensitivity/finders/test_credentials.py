import pytest

from router.core.sensitivity.finders.credentials import MARKED, SHORT, TOKENS, Marked, Token, api_key
from router.core.sensitivity.finders.text import Text, flat


def found(text: str) -> bool:
    return api_key(Text(flat(text.encode())))


A36 = "aB3" * 12


@pytest.mark.parametrize(
    "text",
    [
        f"sk-{A36}",
        f"sk-proj-{A36}_x-{A36}",
        f"sk-ant-api03-{A36}-{A36}",
        f"sk-or-v1-{A36}",
        f"OPENAI_API_KEY=sk-{A36}",
        f"my_sk-{A36}",
        f"\\nsk-{A36}",
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        f"ghp_{A36}",
        f"github_pat_{A36}",
        f"AIza{A36}",
        "xoxb-123456789012-1234567890123",
        f"hf_{A36}",
        f"glpat-{A36}",
        f"gsk_{A36}",
        f"bk-{A36}",
        f"sk_live_{A36}",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIE",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    ],
)
def test_keys(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "a task-oriented approach",
        f"task-{A36}",
        "sk-learn-pipeline-with-many-steps",
        "sk-learn-pipeline-with-10-steps-in-it",
        "sk-abcdefghijklmnopqrstuvwxyz",
        "sk-12345678",
        "AKIAIOSFODNN7EXAMPLES",
        "AKIAIOSFODNN7EXAMPL",
        f"ghp_{A36[:-1]}",
        "xoxo-hugs-and-kisses-to-all-of-you",
        "-----BEGIN PUBLIC KEY-----",
        "END PRIVATE KEY-----",
        "550e8400-e29b-41d4-a716-446655440000",
        "some_long_identifier_name_in_code",
        "",
    ],
)
def test_no_keys(text: str) -> None:
    assert not found(text)


@pytest.mark.parametrize("token", TOKENS, ids=[token.issuer for token in TOKENS])
def test_a_line_of_the_table_finds_its_example(token: Token) -> None:
    assert found(f"key={token.example}, and more")
    assert found(f"my_{token.example}")
    assert not found(f"x{token.example[1:]}"[:19])


@pytest.mark.parametrize("marked", (*SHORT, *MARKED), ids=[marked.what for marked in (*SHORT, *MARKED)])
def test_a_mark_gives_its_example_away(marked: Marked) -> None:
    assert found(f"before {marked.example}, and more")
    assert any(literal in marked.example.lower().encode() for literal in marked.literals)


@pytest.mark.parametrize(
    "text",
    [
        'password = "hunter2"',
        "password: hunter2",
        "DB_PASSWORD=hunter22",
        "pwd='s3cr3t!'",
        '{\\"password\\": \\"hunter2\\"}',
        "'password' => 'hunter2',",
        'passphrase := "correct-horse-7"',
        'password: "P@ssword"',
        "passwort ist: nein, password is hunter2.",
        "password=12345678",
        "connect(password=hunter2)",
        "api_key: 4f3a4f3a4f3a4f3a",
        "CLIENT_SECRET='4f3a4f3a4f3a4f3a-x'",
        'auth["token"] = "4f3a4f3a4f3a4f3a"',
    ],
)
def test_assignments(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "password: str = None",
        "password = getpass()",
        "password = user.password2",
        "password = old_password2",
        "password = ${PASSWORD1}",
        'password = "Password"',
        "password: ********",
        "password: your-password-1",
        "password: 1.234.567",
        "password:\n3ff19a0 that",
        "passwords are 123456",
        'password = "abc 123 def"',
        "token = 123456789012345678",
        "token: abc123",
        "secret: abcdefabcdefabcdefabcdef a1b2c3d4e5f6a7b8c9d0",
        "secret = https://example.com/a1b2c3d4e5f6a7b8c9d0",
    ],
)
def test_no_assignments(text: str) -> None:
    assert not found(text)
