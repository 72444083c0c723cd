# SPDX-License-Identifier: Apache-2.0
# Reports for people and for scripts. The delta is the worked example of FORMAT.md, so that every figure is known.
need jq
hello
say info hello.mote
say info hello.mote --json
say verify hello.old hello.mote
say verify hello.old hello.mote --json
say patch hello.old hello.mote new.bin
say patch hello.old hello.mote new.bin --json
say patch hello.old hello.mote new.bin --sector 8 --program-unit 8 --ram 4K
say patch hello.old hello.mote new.bin -q
say diff hello.old hello.new new.mote --codec raw
same new.mote hello.mote
say diff hello.old hello.new new.mote --codec raw --json
say diff hello.old hello.new new.mote --codec raw --quiet

# Codec model says what it assumes: what it was told, and what it found.
say diff hello.old hello.new model.mote --arch thumb --base 0x08004000
say diff hello.old hello.new model.mote --arch thumb --base 0x08004000 --json
say info model.mote
say info model.mote --json
say verify hello.old model.mote
say patch hello.old model.mote new.bin
say diff hello.old hello.new model.mote --arch words --old-base 0x08004000 --new-base 0x08032000 --ram 2K
say diff hello.old hello.new model.mote --arch words --base 0x08004000 --new-base 0x08032000 --ram 1K
cp "$pairs/lock-cm0-slots/old.bin" slot-a.bin
cp "$pairs/lock-cm0-slots/new.bin" slot-b.bin
say diff slot-a.bin slot-b.bin slots.mote --old-base 0x08004000 --new-base 0x08032000
say info slots.mote
# A setting in full, coded by hand (FORMAT.md 6.3): Xtensa, relative words, variables, two segments of which both moved.
hex D1 02 80 40 20 01 23 45 67 2E BD DF F9 FA 69 73 48 36 8D 26 00 10 D9 51 94 0A 53 5D A6 4A FD 19 2F FE B6 6E F7 ED E8 83 > segments.mote
say info segments.mote
say info segments.mote --json

# SHA-256 by another program.
expect 0 verify hello.old hello.mote --json
[[ $(jq -r .sha256 "$out") == $(sha256sum < hello.new | cut -d' ' -f1) ]] || fail "verify: other SHA-256"

# Every report is one JSON value, for every codec and format.
pair
for codec in model raw lzss bz2 zstd lz4; do
  expect 0 diff old.bin new.bin new.mote --json --codec $codec
  jq -es 'length == 1 and .[0].codec == "'$codec'"' "$out" > /dev/null || fail "diff: $(< "$out")"
  [[ $(jq .delta_size "$out") == $(stat -c %s new.mote) ]] || fail "diff: $(< "$out")"
  for command in "info new.mote" "verify old.bin new.mote" "patch old.bin new.mote x.bin"; do
    expect 0 $command --json
    jq -es 'length == 1 and (.[0] | type) == "object"' "$out" > /dev/null || fail "$command: $(< "$out")"
  done
done

# The shares add up to the image.
expect 0 info new.mote --json
jq -e '.copied.bytes + .differences.bytes + .inserted.bytes == .new_size' "$out" > /dev/null ||
  fail "the shares: $(< "$out")"
