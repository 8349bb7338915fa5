#!/usr/bin/env bash
# Installs what the benches need: `recordings` (Debian packages with recorded voices), `peers` (LiveKit Agents, beside the repository's own
# packages and never among them), or both without a word. Installs when it may, else names what is missing.
set -euo pipefail
cd "$(dirname "$0")"

recordings() {
  local packages=(asterisk-core-sounds-en-wav pocketsphinx-testdata) missing=()
  for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]}" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "These Debian packages are missing: ${missing[*]}" >&2
    echo "Install them (apt-get install ${missing[*]}) or run this as root on Debian." >&2
    exit 1
  fi
}

peers() {
  mkdir -p .peers
  cd .peers
  [ -f package.json ] || echo '{ "private": true }' > package.json
  npm install --no-audit --no-fund --ignore-scripts --save-exact @livekit/agents@1.9.0 @livekit/rtc-node@0.13.35 >&2
}

case "${1:-all}" in
  recordings) recordings ;;
  peers) peers ;;
  all) recordings; peers ;;
  *) echo "usage: setup.sh [recordings|peers]" >&2; exit 64 ;;
esac
