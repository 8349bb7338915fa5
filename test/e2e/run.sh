#!/usr/bin/env bash
# The tests that need Debian packages: installs what is missing when it may, else names it; then runs test/e2e one file after another.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=(chromium asterisk-core-sounds-en-wav pocketsphinx-testdata)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "These Debian packages are missing: ${missing[*]}" >&2
    echo "Install them (apt-get install ${missing[*]}) or run this as root on Debian." >&2
    exit 1
  fi
fi
npm run build --silent
E2E=1 vitest run --no-file-parallelism
