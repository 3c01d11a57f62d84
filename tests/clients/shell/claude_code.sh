#!/usr/bin/env bash
# Claude Code: messages with its own tools; it reads a file, and tells what it says.
set -euo pipefail
source "$(dirname "$0")/did.sh"

# snippet
claude --bare -p 'What is the capital of France?'
# end

reads_a_file() {
  claude --bare -p "Read the file $PWD/note.txt and say what it says." --allowedTools Read --output-format json
}

streams_what_it_does() {
  claude --bare -p "Read the file $PWD/note.txt and say what it says." --allowedTools Read --verbose \
    --output-format stream-json --include-partial-messages
}

tell "$@"
