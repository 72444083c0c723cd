# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian packages: what the machine lacks is installed; pinned versions of any suite are fetched with a private apt
# configuration below $WORK, which leaves the machine's own lists alone. Sourced by corpus/build.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "    $*" >&3; } # progress goes to the real output also from inside $(...)
warn() { echo "    WARNING: $*" >&2; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# install_packages PACKAGE...: from the machine's own suite
install_packages() {
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@")
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    warn "neither root nor sudo. Have an administrator run: apt-get install --no-install-recommends $*"
    return 1
  fi
  say "installing $*"
  if as_root "${install[@]}" >/dev/null 2>&1; then return; fi
  # A fresh machine has no package lists.
  if as_root apt-get update -qq && as_root "${install[@]}" >/dev/null; then return; fi
  warn "cannot install $*"
  return 1
}

# need_command COMMAND PACKAGE
need_command() {
  if ! command -v "$1" >/dev/null; then install_packages "$2"; fi
}

# The archive this machine itself uses, the first one named .../debian. $MOTE_CORPUS_MIRROR overrides.
mirror() {
  local uri='' files=() file
  if [ -n "${MOTE_CORPUS_MIRROR:-}" ]; then
    echo "$MOTE_CORPUS_MIRROR"
    return
  fi
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
    if [ -f "$file" ]; then files+=("$file"); fi
  done
  if [ ${#files[@]} -gt 0 ]; then
    uri=$(sed -n -e 's/^URIs:[[:space:]]*//p' -e 's/^deb[[:space:]]\+\(\[[^]]*\][[:space:]]*\)\?//p' "${files[@]}" |
      tr '[:space:]' '\n' | grep -m 1 -E '^https?://.*/debian/?$' || true)
  fi
  echo "${uri:-http://deb.debian.org/debian}"
}

# apt_private COMMAND ARGUMENT...: apt with the private configuration, its lists fetched when they are first needed
apt_private() {
  local apt=$WORK/apt archive suite suites=()
  if [ ! -f "$apt/ready" ]; then
    mapfile -t suites < <(jq -r '.suites[]' "$MANIFEST")
    archive=$(mirror)
    need_command dpkg-source dpkg-dev || return 1
    say "reading the package lists of ${suites[*]}"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    for suite in "${suites[@]}"; do
      echo "deb [signed-by=$KEYRING] $archive $suite main"
      echo "deb-src [signed-by=$KEYRING] $archive $suite main"
    done >"$apt/sources.list"
    cat >"$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
    APT_CONFIG=$apt/apt.conf apt-get update -qq --error-on=any ||
      { warn "cannot read the package lists of $archive (MOTE_CORPUS_MIRROR names another archive)"; return 1; }
    touch "$apt/ready"
  fi
  APT_CONFIG=$apt/apt.conf "$@"
}

# fetch_source PACKAGE VERSION: prints the directory of the unpacked source
fetch_source() {
  local dir=$WORK/source/$1_${2//[:\/]/_}
  if [ ! -f "$dir/ready" ]; then
    say "source $1 $2"
    rm -rf "$dir"
    mkdir -p "$dir"
    (cd "$dir" && apt_private apt-get source -qq "$1=$2" >"$dir/log" 2>&1) ||
      { warn "cannot fetch the source of $1 $2:"; tail -n 3 "$dir/log" >&2; return 1; }
    touch "$dir/ready"
  fi
  find "$dir" -mindepth 1 -maxdepth 1 -type d
}

# fetch_package PACKAGE VERSION SUITE DIRECTORY: unpacks a binary package. Versions match up to Debian's rebuild
# suffix (+b1), which differs between the architectures of the machine that builds.
fetch_package() {
  local package=$1 version=$2 suite=$3 into=$4 found
  found=$(apt_private apt-cache madison "$package" | awk -F ' *[|] *' -v suite="$suite/main" '
    index($3, " " suite " ") && /Packages$/ { print $2 }' | while read -r v; do
      if [ "$version" = any ] || [ "${v%+b[0-9]*}" = "${version%+b[0-9]*}" ]; then echo "$v"; fi
    done | head -n 1)
  if [ -z "$found" ]; then
    warn "$suite no longer has $package $version"
    return 1
  fi
  local deb=$WORK/packages/${package}_${found//[:\/]/_}
  if [ ! -f "$deb/ready" ]; then
    say "package $package $found"
    rm -rf "$deb"
    mkdir -p "$deb"
    (cd "$deb" && apt_private apt-get download -qq "$package=$found" >"$deb/log" 2>&1) ||
      { warn "cannot fetch $package $found:"; tail -n 3 "$deb/log" >&2; return 1; }
    touch "$deb/ready"
  fi
  mkdir -p "$into"
  dpkg-deb -x "$deb"/*.deb "$into"
}
