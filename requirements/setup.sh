#!/bin/sh
# Makes .venv from the locked, hashed lists beside this file, and Spark's folder in it. Does only what is not done yet.
# Run by `make setup`; PYTHON names another interpreter.
set -eu
cd "$(dirname "$0")/.."
PYTHON="${PYTHON:-python3.11}"

say() { printf 'setup  %s\n' "$*" >&2; }

stop() {
    say "$1"
    exit 1
}

check_python() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null ||
        stop "Python 3.11 is not installed; install it with: apt-get install python3.11 python3.11-venv"
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
        stop "Python 3.11 lacks its venv module; install it with: apt-get install python3.11-venv"
}

check_java() {
    java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
    version="$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' || true)"
    case "$version" in
    17 | 21) ;;
    "") stop "Java 17 is not installed, and Spark needs it; install it with: apt-get install openjdk-17-jre-headless" ;;
    *) stop "Java is version $version, and Spark needs 17; install it with: apt-get install openjdk-17-jre-headless (or set JAVA_HOME)" ;;
    esac
}

# The stamp holds the sum of the lists, so a changed lock installs again and nothing else does.
locks() { cat requirements/lock.txt requirements/uv.txt requirements/build.txt | cksum; }

install() {
    [ "$(cat .venv/.installed 2>/dev/null)" = "$(locks)" ] && return
    say "1 of 2: virtual environment and installer"
    [ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
    say "2 of 2: $(grep -c '^[a-z].*==' requirements/lock.txt) packages, hashes checked; PySpark alone is 450 MB, so the first time takes some minutes"
    # The system's certificates, so that it works where a company has its own.
    .venv/bin/uv pip install --system-certs --python .venv/bin/python --require-hashes \
        --build-constraints requirements/build.txt -r requirements/lock.txt
    locks >.venv/.installed
}

check_python
check_java
install
.venv/bin/python -m executor.setup_spark
# Compiled and readable: where root runs Sluice, its executors are another user.
.venv/bin/python -m compileall -q executor
chmod -R go+rX executor
