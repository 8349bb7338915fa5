#!/usr/bin/env bash
# Installs the peers that the benches compare with, beside the repository's own packages and never among them.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p .peers
cd .peers
[ -f package.json ] || echo '{ "private": true }' > package.json
npm install --no-audit --no-fund --ignore-scripts --save-exact @livekit/agents@1.9.0 @livekit/rtc-node@0.13.35
