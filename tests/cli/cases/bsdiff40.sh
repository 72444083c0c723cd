# SPDX-License-Identifier: Apache-2.0
# bsdiff40 files: Debian's bspatch applies ours, and we apply those of Debian's bsdiff.
need bsdiff bspatch jq
hello
pair
: > empty

try() {
  expect 0 diff "$1" "$2" ours.bsdiff --format bsdiff40 -q
  bspatch "$1" theirs.bin ours.bsdiff 2> "$err" || fail "bspatch $1 to $2: $(< "$err")"
  same theirs.bin "$2"
  bsdiff "$1" "$2" theirs.bsdiff || fail "bsdiff $1 $2"
  expect 0 patch "$1" theirs.bsdiff ours.bin -q
  same ours.bin "$2"
}
try old.bin new.bin
try new.bin old.bin
try hello.old hello.new
try old.bin old.bin
try old.bin hello.new
try hello.old new.bin
# Debian's bsdiff reads no empty file; its bspatch does.
for pair in "empty hello.new" "hello.old empty"; do
  set -- $pair
  expect 0 diff $1 $2 ours.bsdiff --format bsdiff40 -q
  bspatch $1 theirs.bin ours.bsdiff || fail "bspatch $pair"
  same theirs.bin $2
  expect 0 patch $1 ours.bsdiff ours.bin -q
  same ours.bin $2
done

bsdiff old.bin new.bin theirs.bsdiff
expect 0 info theirs.bsdiff --json
[[ $(jq -r .format "$out") == bsdiff40 && $(jq .new_size "$out") == $(stat -c %s new.bin) ]] || fail "info: $(< "$out")"
expect 0 verify old.bin theirs.bsdiff --json
[[ $(jq -r .sha256 "$out") == $(sha256sum < new.bin | cut -d' ' -f1) ]] || fail "verify: $(< "$out")"

printf 'precious' > kept
for size in 8 20 31 40 100; do
  head -c $size theirs.bsdiff > cut
  mote patch old.bin cut kept
  ((status == 1 || status == 3)) || fail "cut to $size bytes: exit code $status"
  [[ $(< kept) == precious ]] || fail "cut to $size bytes: NEW was touched"
done
expect 6 patch old.bin theirs.bsdiff kept --sector 2048
[[ $(< kept) == precious ]] || fail "NEW was touched"
