#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what the tests take and runs all of them: plain ones, and those that
# load the programs into this machine's kernel and send packets between network
# namespaces of their own. As root, on Debian 12 or newer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ $EUID -ne 0 ]]; then
    echo "test.sh: the tests attach BPF programs and make network namespaces: run it as root" >&2
    exit 1
fi
misc/install-test-tools.sh
mvn -B -ntp -Dstyle.color=never clean verify
if [[ -n $(git status --porcelain -- src/generated 2>/dev/null) ]]; then
    git --no-pager diff --stat -- src/generated
    echo "test.sh: src/generated is not what the sources generate: commit it" >&2
    exit 1
fi
