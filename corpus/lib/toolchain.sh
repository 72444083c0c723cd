# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2034,SC2153
# Compilers, pinned by version in the manifest. The installed ones are used when they are exactly those; otherwise the
# packages are unpacked below $WORK, with the host libraries of their own suite. Sourced by corpus/build.

HOST_LIBRARIES="libc6 libgcc-s1 libstdc++6 libgmp10 libmpfr6 libmpc3 libisl23 libzstd1 zlib1g"

# package_state PACKAGE VERSION: installed, installable (missing here, but the machine's suite has it) or neither
package_state() {
  local here candidate
  here=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null || true)
  candidate=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p')
  if [ "${here%+b[0-9]*}" = "installed ${2%+b[0-9]*}" ]; then
    echo installed
  elif [ "${here%% *}" != installed ] && [ "${candidate%+b[0-9]*}" = "${2%+b[0-9]*}" ]; then
    echo installable
  else
    echo neither
  fi
}

# use_toolchain NAME: sets TOOL (path and prefix of the programs) and TOOL_ROOT (where /usr is)
use_toolchain() {
  local toolchain=$1 package version state missing=() private=$PRIVATE
  local prefix
  prefix=$(jq -r --arg t "$toolchain" '.toolchains[$t].prefix' "$MANIFEST")
  if ! $private; then
    while read -r package version; do
      state=$(package_state "$package" "$version")
      case $state in
        installable) missing+=("$package") ;;
        neither) private=true ;;
      esac
    done < <(toolchain_packages "$toolchain")
  fi
  if $private; then
    unpack_toolchain "$toolchain" "$prefix" || return 1
    TOOL_ROOT=$WORK/toolchain/$toolchain
  else
    if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}" || return 1; fi
    TOOL_ROOT=
  fi
  TOOL=$TOOL_ROOT/usr/bin/$prefix
}

toolchain_packages() {
  jq -r --arg t "$1" '.toolchains[$t].packages | to_entries[] | "\(.key) \(.value)"' "$MANIFEST"
}

unpack_toolchain() {
  local toolchain=$1 prefix=$2 root=$WORK/toolchain/$1 suite package version
  if [ -f "$root/ready" ]; then return; fi
  say "unpacking the compiler $toolchain"
  rm -rf "$root"
  suite=$(jq -r --arg t "$toolchain" '.toolchains[$t].suite' "$MANIFEST")
  while read -r package version; do
    fetch_package "$package" "$version" "$suite" "$root" || return 1
  done < <(toolchain_packages "$toolchain")
  for package in $HOST_LIBRARIES; do
    fetch_package "$package" any "$suite" "$root/host" || return 1
  done

  # Each program becomes a script that runs it with the loader and the libraries of its own suite.
  local loader libraries program
  loader=$(find "$root/host" -name 'ld-linux*.so*' -type f | sort | head -n 1)
  libraries=$(find "$root/host" -name '*.so.*' -printf '%h\n' | sort -u | tr '\n' ':')
  find "$root/usr/bin" "$root/usr/lib/${prefix%-}/bin" "$root/usr/lib/gcc" -type f -perm -u+x ! -name '*.so*' \
    2>/dev/null | sort | while read -r program; do
    if [ "$(head -c 4 "$program" | tail -c 3)" != ELF ]; then continue; fi
    mv "$program" "$program.elf"
    printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 "$0" "%s" "$@"\n' "$loader" "${libraries%:}" \
      "$program.elf" >"$program"
    chmod +x "$program"
  done
  touch "$root/ready"
}
