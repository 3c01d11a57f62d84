#!/usr/bin/env bash
# llm, the command: chat completions.
set -euo pipefail
source "$(dirname "$0")/did.sh"

# snippet
llm -m gpt-4o-mini 'What is the capital of France?'
# end

chat() {
  llm -m gpt-4o-mini --no-stream --no-log 'What is the capital of France?'
}

chat_tool() {
  llm -m gpt-4o-mini --functions $'def population(city: str) -> str:\n    "How many people live in a city."\n    return "2102650"' \
    'How many people live in Paris?'
}

embeddings() {
  llm embed -m 3-small -c 'What is the capital of France?'
}

tell "$@"
