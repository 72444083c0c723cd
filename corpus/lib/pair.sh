# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# One pair: both images, compared with the manifest, and meta.json. Sourced by corpus/build.

sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# entry NAME: the pair's object in the manifest
entry() { jq -c --arg name "$1" '.pairs[] | select(.name == $name)' "$MANIFEST"; }

# make_pair NAME: fails when an image cannot be made or is not the one the manifest expects
make_pair() {
  local name=$1 pair dir=$OUT/$1 side image expected status=0
  pair=$(entry "$name")
  if pair_is_there "$dir" "$pair"; then
    say "already there"
    write_meta "$dir" "$pair"
    return 0
  fi
  mkdir -p "$dir"
  for side in old new; do
    image=$(make_image "$(jq -c ".$side | del(.size, .sha256)" <<<"$pair")") || return 1
    cp "$image" "$dir/$side.bin"
    expected=$(jq -r ".$side.sha256 // \"none\"" <<<"$pair")
    if $UPDATE; then
      update_manifest "$name" "$side" "$dir/$side.bin"
    elif [ "$(sha256_of "$dir/$side.bin")" != "$expected" ]; then
      warn "$name: $side.bin is not the image of the manifest:"
      warn "  expected $expected"
      warn "  built    $(sha256_of "$dir/$side.bin")"
      status=1
    fi
  done
  write_meta "$dir" "$(entry "$name")"
  if $UPDATE && is_committed "$name"; then
    mkdir -p "$CORPUS/pairs/$name"
    cp "$dir"/{old.bin,new.bin,meta.json} "$CORPUS/pairs/$name/" || return 1
  fi
  say "$(stat -c %s "$dir/old.bin") -> $(stat -c %s "$dir/new.bin") bytes"
  return $status
}

# check_pair NAME: that corpus/pairs holds what the manifest says; builds nothing
check_pair() {
  local name=$1 dir=$CORPUS/pairs/$1 scratch status=0
  if ! pair_is_there "$dir" "$(entry "$name")"; then
    warn "$name: the images in corpus/pairs are not those of the manifest"
    return 1
  fi
  scratch=$(mktemp -d) || return 1
  cp "$dir"/{old.bin,new.bin} "$scratch/"
  write_meta "$scratch" "$(entry "$name")"
  cmp -s "$scratch/meta.json" "$dir/meta.json" || { warn "$name: meta.json is not that of the manifest"; status=1; }
  rm -rf "$scratch"
  return $status
}

# print_table NAME...: Markdown
print_table() {
  local name
  echo "| pair | architecture | change | old, bytes | new, bytes | committed |"
  echo "|---|---|---|---:|---:|---|"
  for name in "$@"; do
    entry "$name" | jq -r '"| `\(.name)` | \(.arch) | \(.change) | \(.old.size) | \(.new.size) | \(
      if .committed then "yes" else "" end) |"'
  done
}

is_committed() { [ "$(entry "$1" | jq .committed)" = true ]; }

pair_is_there() {
  local dir=$1 pair=$2 side
  if $UPDATE; then return 1; fi
  for side in old new; do
    [ -f "$dir/$side.bin" ] || return 1
    [ "$(sha256_of "$dir/$side.bin")" = "$(jq -r ".$side.sha256" <<<"$pair")" ] || return 1
  done
}

update_manifest() {
  local name=$1 side=$2 image=$3
  jq --arg name "$name" --arg side "$side" --argjson size "$(stat -c %s "$image")" --arg sha "$(sha256_of "$image")" \
    '(.pairs[] | select(.name == $name))[$side] += {size: $size, sha256: $sha}' "$MANIFEST" >"$WORK/manifest.part"
  cat "$WORK/manifest.part" >"$MANIFEST"
}

# The sizes and hashes in meta.json are those of the files beside it.
write_meta() {
  local dir=$1 pair=$2
  jq --argjson old_size "$(stat -c %s "$dir/old.bin")" --arg old_sha "$(sha256_of "$dir/old.bin")" \
    --argjson new_size "$(stat -c %s "$dir/new.bin")" --arg new_sha "$(sha256_of "$dir/new.bin")" \
    '{name, arch, base} + (if .new_base then {new_base} else {} end) +
     {old_version, new_version, licence, source, change, old_size: $old_size, new_size: $new_size,
      old_sha256: $old_sha, new_sha256: $new_sha}' <<<"$pair" >"$dir/meta.json"
}
