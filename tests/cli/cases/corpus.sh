# SPDX-License-Identifier: Apache-2.0
# Real firmware: each committed pair through diff, patch, verify and bspatch.
need bspatch jq
shopt -s nullglob
count=0
for directory in "$pairs"/*/; do
  pair=$(basename "$directory")
  old=$directory/old.bin
  new=$directory/new.bin
  for options in "--codec lzss --ram 4K" "--ram 1K" "--ram 2K" "--ram 4K"; do
    expect 0 diff "$old" "$new" delta $options -q
    expect 0 patch "$old" delta image --ram 4K -q
    same image "$new"
  done
  expect 0 verify "$old" delta --json
  [[ $(jq -r .sha256 "$out") == $(sha256sum < "$new" | cut -d' ' -f1) ]] || fail "$pair: other SHA-256"
  expect 0 info delta
  expect 4 patch "$new" delta image --ram 4K
  same image "$new"
  expect 0 diff "$old" "$new" delta --format bsdiff40 -q
  bspatch "$old" image delta || fail "$pair: bspatch"
  same image "$new"
  echo "$pair"
  count=$((count + 1))
done
((count > 0)) || fail "no pairs in $pairs"
