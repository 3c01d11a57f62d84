"""Clients that nobody here wrote: a new one is a script and an entry here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NODE_MODULES = HERE / "node" / "node_modules"

GATEWAY = "http://127.0.0.1:8080"
OPENAI = {"OPENAI_BASE_URL": f"{GATEWAY}/v1"}
ANTHROPIC = {"ANTHROPIC_BASE_URL": GATEWAY}
CODEX_CONFIG = """\
model = "gpt-5-mini"
model_provider = "breakeven"

[model_providers.breakeven]
name = "Breakeven"
base_url = "http://127.0.0.1:8080/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
"""


@dataclass(frozen=True)
class Client:
    name: str
    script: str
    """What runs, beside this module."""
    packages: Sequence[str]
    """Whose versions are told: of the lock for Python, or for Node where the script is Node's or a command's of npm."""
    url: Mapping[str, str]
    """The variable that holds the gateway's URL; none where a file has it."""
    snippet: str
    """Which thing the snippet is."""
    does: Sequence[str]
    """Things besides, by their names in `THINGS`."""
    home: Mapping[str, str] = field(default_factory=dict)
    """Files in the home folder, by their paths; they are a part of the snippet."""
    quiet: Mapping[str, str] = field(default_factory=dict)
    """What keeps it from trying to speak to anybody else while it is proved."""
    quiet_for_all: Mapping[str, str] = field(default_factory=dict)
    """The same, where whoever uses it should set it, too: it is a part of the snippet, and `note` says why."""
    shown: str = ""
    """The file that has the snippet, where it is not the script."""
    environment: str = ".venv-clients"
    """Where a script of Python runs, and commands are looked for."""
    note: str = ""
    not_small: str = ""
    """Why it cannot use a model with a context of 2,048 tokens."""

    @property
    def key(self) -> str:
        """The name of its key in the policy, by which the ledger knows it."""
        return Path(self.script).stem.replace("_", "-")

    @property
    def secret(self) -> str:
        return f"key-of-{self.key}"

    @property
    def dialect(self) -> str:
        return "ANTHROPIC" if "messages" in self.snippet or "claude" in self.script else "OPENAI"

    @property
    def bin(self) -> Path:
        return ROOT / self.environment / "bin"

    @property
    def program(self) -> Sequence[str]:
        path = str(HERE / self.script)
        return {".py": (str(self.bin / "python"), path), ".mjs": ("node", path), ".sh": ("bash", path)}[
            Path(path).suffix
        ]


_OF_OPENAI = (
    *("chat", "chat_stream", "chat_tool", "responses_stream", "responses_tool"),
    *("responses_continued", "responses_stored", "embeddings", "moderations"),
    *("transcription", "transcription_stream", "speech", "speech_stream", "image", "image_stream", "image_edit"),
    *("files", "models"),
)
_LONG_QUESTION = "its first request alone is longer than that context"
_LONG_ANSWER = "it asks for answers that are longer than that context"
_NO_TRACES = (
    "It sends traces, with what was said, to api.openai.com by itself, past any base URL, unless it is told not to."
)

CLIENTS: Sequence[Client] = (
    Client("openai-python", "python/openai_python.py", ("openai",), OPENAI, "responses", _OF_OPENAI),
    Client("openai-node", "node/openai_node.mjs", ("openai",), OPENAI, "responses", _OF_OPENAI),
    Client(
        "anthropic-python",
        "python/anthropic_python.py",
        ("anthropic",),
        ANTHROPIC,
        "messages",
        ("messages_stream", "messages_tool", "count_tokens", "models"),
    ),
    Client(
        "Anthropic's SDK for TypeScript",
        "node/anthropic_node.mjs",
        ("@anthropic-ai/sdk",),
        ANTHROPIC,
        "messages",
        ("messages_stream", "messages_tool", "count_tokens"),
    ),
    Client(
        "Claude Code",
        "shell/claude_code.sh",
        ("@anthropic-ai/claude-code",),
        ANTHROPIC,
        "messages_stream",
        ("reads_a_file", "streams_what_it_does"),
        quiet={"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"},
        not_small=_LONG_QUESTION,
    ),
    Client(
        "Codex",
        "shell/codex.sh",
        ("@openai/codex",),
        {},
        "responses_stream",
        ("reads_a_file",),
        home={".codex/config.toml": CODEX_CONFIG},
        not_small=_LONG_QUESTION,
    ),
    Client(
        "LangChain, OpenAI",
        "python/langchain_openai_chat.py",
        ("langchain-openai",),
        OPENAI,
        "chat",
        ("chat_stream", "chat_tool", "responses", "responses_stream", "embeddings"),
    ),
    Client(
        "LangChain, Anthropic",
        "python/langchain_anthropic_chat.py",
        ("langchain-anthropic",),
        ANTHROPIC,
        "messages",
        ("messages_stream", "messages_tool"),
        not_small=_LONG_ANSWER,
    ),
    Client(
        "LlamaIndex",
        "python/llama_index_openai.py",
        ("llama-index-llms-openai",),
        {"OPENAI_API_BASE": f"{GATEWAY}/v1"},
        "chat",
        ("chat_stream", "chat_tool", "responses", "responses_stream"),
        environment=".venv-clients-llama-index",
    ),
    Client(
        "Vercel AI SDK, OpenAI",
        "node/ai_sdk_openai.mjs",
        ("ai", "@ai-sdk/openai"),
        OPENAI,
        "responses",
        ("responses_stream", "responses_tool", "responses_tool_stream", "chat", "chat_stream", "embeddings"),
    ),
    Client(
        "Vercel AI SDK, Anthropic",
        "node/ai_sdk_anthropic.mjs",
        ("ai", "@ai-sdk/anthropic"),
        {"ANTHROPIC_BASE_URL": f"{GATEWAY}/v1"},
        "messages",
        ("messages_stream", "messages_tool", "messages_tool_stream"),
        not_small=_LONG_ANSWER,
    ),
    Client(
        "llm",
        "shell/llm.sh",
        ("llm",),
        OPENAI,
        "chat_stream",
        ("chat", "chat_tool", "embeddings"),
    ),
    Client(
        "pydantic-ai, OpenAI",
        "python/pydantic_ai_openai.py",
        ("pydantic-ai-slim",),
        OPENAI,
        "responses",
        ("responses_stream", "responses_tool", "chat", "chat_stream"),
    ),
    Client(
        "pydantic-ai, Anthropic",
        "python/pydantic_ai_anthropic.py",
        ("pydantic-ai-slim",),
        ANTHROPIC,
        "messages",
        ("messages_stream", "messages_tool"),
        not_small=_LONG_ANSWER,
    ),
    Client(
        "OpenAI Agents SDK",
        "python/openai_agents.py",
        ("openai-agents",),
        OPENAI,
        "responses",
        ("responses_stream", "responses_tool"),
        quiet_for_all={"OPENAI_AGENTS_DISABLE_TRACING": "1"},
        note=_NO_TRACES,
    ),
    Client(
        "Java's HttpClient",
        "shell/java_http_client.sh",
        (),
        OPENAI,
        "chat",
        ("chat_stream",),
        shown="java/Capital.java",
    ),
)
