# SPDX-License-Identifier: Apache-2.0
# The same images give the same delta: in another run, under other conditions, and from another build of the engine: $UNOPTIMISED is compiled
# with -O0 and the library's assertions (tests/CMakeLists.txt), whatever this build is.
hello
pair
firmware 3000 5 > third.bin
: > empty

[[ -x ${UNOPTIMISED:-} ]] || fail "UNOPTIMISED is not set to the second build"
while read -r old new; do
  for codec in model raw lzss bz2 zstd lz4; do
    expect 0 diff $old $new first.mote --codec $codec -q
    (mkdir -p elsewhere && cd elsewhere &&
      env -i LC_ALL=tr_TR.UTF-8 TZ=Asia/Tokyo MALLOC_PERTURB_=165 MALLOC_ARENA_MAX=1 HOME=/ FILLER="$(printf '%05000d' 0)" \
        "$mote" diff ../$old - ../second.mote --codec $codec -q < ../$new) || fail "$old to $new, $codec"
    same first.mote second.mote
    "$UNOPTIMISED" $codec $old $new third.mote || fail "$old to $new, $codec: the second build"
    same first.mote third.mote
  done
  expect 0 diff $old $new first.bsdiff --format bsdiff40 -q
  MALLOC_PERTURB_=165 "$mote" diff $old $new second.bsdiff --format bsdiff40 -q
  same first.bsdiff second.bsdiff
  "$UNOPTIMISED" bsdiff40 $old $new third.bsdiff
  same first.bsdiff third.bsdiff
done <<< "hello.old hello.new
old.bin new.bin
new.bin old.bin
old.bin third.bin
empty new.bin
old.bin empty"

# Real code has more ties to break than made-up text has.
for directory in "$pairs"/*/; do
  for codec in lzss model; do
    "$mote" diff "$directory/old.bin" "$directory/new.bin" first.mote --codec $codec -q || fail "$directory"
    "$UNOPTIMISED" $codec "$directory/old.bin" "$directory/new.bin" third.mote || fail "$directory: the second build"
    same first.mote third.mote
  done
done
