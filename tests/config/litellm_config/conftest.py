"""Configs as people have them, with secrets in all the places where such stand."""

from __future__ import annotations

import pytest

from router.config.litellm_config.reader import Reader, read

SECRETS = (
    *("sk-in-the-clear-1", "sk-in-the-clear-2", "sk-of-the-master", "hunter2", "pw-of-the-database", "AKIASECRETID"),
    *("aws-secret-of-all", "bearer-of-the-header", "token-of-langfuse", "pw-in-the-address", "key-in-the-query"),
)
STARTUP = """\
model_list:
  - model_name: fast
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: os.environ/OPENAI_API_KEY
  - model_name: smart
    litellm_params:
      model: anthropic/claude-haiku-4-5
      api_key: os.environ/ANTHROPIC_API_KEY
litellm_settings:
  num_retries: 2
  request_timeout: 300
  max_budget: 200
  budget_duration: 30d
router_settings:
  allowed_fails: 2
  cooldown_time: 20
  model_group_alias: {default: fast}
"""
"""Two providers, and everything can be carried over."""
HYBRID = """\
model_list:
  - model_name: llama
    litellm_params: {model: hosted_vllm/meta-llama/Llama-3.3-70B-Instruct, api_base: "http://10.2.0.7:8000/v1"}
  - model_name: llama
    litellm_params: {model: hosted_vllm/meta-llama/Llama-3.3-70B-Instruct, api_base: "http://10.2.0.8:8000/v1"}
  - model_name: small
    litellm_params: {model: "ollama/qwen3:8b", rpm: 60}
  - model_name: gpt-4o-mini
    litellm_params: {model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY, rpm: 100, tpm: 200000}
router_settings:
  routing_strategy: simple-shuffle
  fallbacks: [{llama: [gpt-4o-mini]}]
"""
"""Own servers, and a cloud that they fall back to."""
ENTERPRISE = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/chat-eu
      api_base: https://acme-eu.openai.azure.com
      api_version: "2024-10-21"
      api_key: sk-in-the-clear-1
      rpm: 300
      extra_headers: {Authorization: bearer-of-the-header}
    model_info: {base_model: azure/gpt-4o, mode: chat, access_groups: [beta]}
  - model_name: gpt-4o
    litellm_params: {model: azure/chat-us, api_base: "https://acme-us.openai.azure.com", api_key: sk-in-the-clear-2}
    model_info: {base_model: azure/gpt-4o}
  - model_name: claude
    litellm_params:
      model: bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0
      aws_region_name: eu-central-1
      aws_access_key_id: AKIASECRETID
      aws_secret_access_key: aws-secret-of-all
  - model_name: gemini
    litellm_params: {model: vertex_ai/gemini-2.5-flash, vertex_project: acme, vertex_location: europe-west4}
  - model_name: old
    litellm_params: {model: openai/gpt-4o-mini, api_base: "https://me:pw-in-the-address@llm.example.com/v1?k=key-in-the-query"}
  - model_name: "openai/*"
    litellm_params: {model: "openai/*", litellm_credential_name: main}
credential_list:
  - credential_name: main
    credential_values: {api_key: sk-in-the-clear-1}
environment_variables: {LANGFUSE_SECRET_KEY: token-of-langfuse}
litellm_settings:
  drop_params: true
  cache: true
  cache_params: {type: redis, password: hunter2}
  success_callback: [langfuse]
  context_window_fallbacks: [{gpt-4o: [gemini]}]
  content_policy_fallbacks: [{gpt-4o: [claude]}]
router_settings:
  routing_strategy: latency-based-routing
  redis_password: hunter2
  fallbacks: [{gpt-4o: [claude]}]
general_settings:
  master_key: sk-of-the-master
  database_url: postgresql://litellm:pw-of-the-database@db/litellm
  alerting: [slack]
  global_max_parallel_requests: 200
guardrails:
  - guardrail_name: presidio
"""
"""Much that has no counterpart, and keys in clear text."""


@pytest.fixture
def reading():
    """A config's reader."""

    def make(text: str) -> Reader:
        return read(text.encode(), "config.yaml")

    return make
