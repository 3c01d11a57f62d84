#!/usr/bin/env bash
# Codex: responses with its own tools; it runs a command that reads a file, and tells what it says.
set -euo pipefail
source "$(dirname "$0")/did.sh"

# snippet
codex exec --skip-git-repo-check 'What is the capital of France?'
# end

reads_a_file() {
  codex exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox --json \
    "Read the file $PWD/note.txt and say what it says."
}

tell "$@"
