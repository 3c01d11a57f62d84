#!/usr/bin/env bash
# Java's HttpClient, by ../java/Capital.java.
set -euo pipefail
source "$(dirname "$0")/did.sh"
capital=$(dirname "$0")/../java/Capital.java

java "$capital"

chat() {
  java "$capital"
}

chat_stream() {
  java "$capital" stream
}

tell "$@"
