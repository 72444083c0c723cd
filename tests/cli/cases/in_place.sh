# SPDX-License-Identifier: Apache-2.0
# Updates in place: diff --in-place and what reads its files. The device's code carries each out on the geometry that is given.
need jq
pair=$pairs/logger-cm4-addfn
cp "$pair/old.bin" v1.bin
cp "$pair/new.bin" v2.bin

say diff v1.bin v2.bin update --in-place
say diff v1.bin v2.bin both --in-place --reversible
say diff v1.bin v2.bin small --in-place --erase-unit 1K --program-unit 8 --area 30K --journal 4 --staging 1K --json
say info update
say info both
say info both --json
say patch v1.bin both v2.out
same v2.out v2.bin
say patch v2.out both v1.out --undo --slot 40K
same v1.out v1.bin
say patch v1.bin small v2.out --sector 1K --program-unit 8 --slot 30K --json
same v2.out v2.bin
say verify v1.bin both

# The file is that of FORMAT.md 12: header, and deltas that any device takes.
[[ $(head -c 1 both | xxd -p) == e1 ]] || fail "another first byte"
forward=$(jq .forward.delta_size <("$mote" info both --json))
inverse=$(jq .inverse.delta_size <("$mote" info both --json))
[[ $(stat -c %s both) == $((11 + forward + inverse)) ]] || fail "another size"
tail -c +12 both | head -c "$forward" > forward.mote
tail -c "$inverse" both > inverse.mote
expect 0 patch v1.bin forward.mote x.bin -q
same x.bin v2.bin
expect 0 patch v2.bin inverse.mote x.bin -q
same x.bin v1.bin
same <(tail -c +12 update) forward.mote
# Padding, as block transports have it, is passed over.
{ cat both; head -c 4096 /dev/zero; } > padded
expect 0 patch v1.bin padded x.bin -q
same x.bin v2.bin

# What the report says of two slots is what diff makes for them.
expect 0 diff v1.bin v2.bin two-slots.mote -q
expect 0 diff v1.bin v2.bin again --in-place --json
same again update
[[ $(jq .forward.two_slots_size "$out") == $(stat -c %s two-slots.mote) ]] || fail "two slots: $(< "$out")"
# The more room, the less often a checkpoint is due.
expect 0 diff v1.bin v2.bin more --in-place --area 64K --json
(($(jq .forward.interval "$out") > 1)) || fail "more room: $(< "$out")"

# Halves that changed places: what is overwritten cannot be copied, unless there is much room.
tail -c +12900 v1.bin > swapped.bin
head -c 12899 v1.bin >> swapped.bin
expect 0 diff v1.bin swapped.bin s --in-place --json
(($(jq .forward.delta_size "$out") > 4 * $(jq .forward.two_slots_size "$out"))) || fail "halves: $(< "$out")"
expect 0 patch v1.bin s x.bin -q
same x.bin swapped.bin
expect 0 diff v1.bin swapped.bin s --in-place --area 52K --json
(($(jq .forward.delta_size "$out") <= $(jq .forward.two_slots_size "$out"))) || fail "much room: $(< "$out")"
# Made for much room, it is refused where there is little.
say patch v1.bin s x.bin --slot 40K
expect 0 patch v1.bin s x.bin --json
(($(jq .area "$out") <= 53248)) || fail "the smallest area: $(< "$out")"

# What the device cannot do is refused, and says why; no file is left.
say diff v1.bin v2.bin no --in-place --area 28K
say diff v1.bin v2.bin no --in-place --area 24K
say diff v1.bin v2.bin no --in-place --area 30000
say diff v1.bin v2.bin no --in-place --staging 600
say diff v1.bin v2.bin no --in-place --staging 1K --reversible
say diff v1.bin v2.bin no --in-place --erase-unit 4098
say diff v1.bin v2.bin no --in-place --erase-unit 0
say diff v1.bin v2.bin no --in-place --program-unit 3
say diff v1.bin v2.bin no --in-place --journal 1
say diff v1.bin v2.bin no --in-place --ram 1151
say diff v1.bin v2.bin no --in-place --area 0
say diff v1.bin v2.bin no --in-place --codec lzss
say diff v1.bin v2.bin no --in-place --format bsdiff40
say diff v1.bin v2.bin no --area 64K
say diff v1.bin v2.bin no --reversible
say patch v2.bin update no --undo
say patch v2.bin two-slots.mote no --undo
say patch v2.bin update no
say patch v1.bin update no --slot 28K
say patch v1.bin update no --ram 4K
expect 0 patch v1.bin update ram.bin --ram 4224 -q
expect 0 diff v1.bin v2.bin ram --in-place --ram 4224 -q
same ram update
expect 0 diff v1.bin v2.bin ram --in-place --ram 4223 -q
expect 0 patch v1.bin ram ram.bin --ram 2176 -q
same ram.bin v2.bin
[[ ! -e no ]] || fail "a refused update left its file"

# Damage is found.
head -c 300 update > short
say patch v1.bin short no
say info short
{ head -c 300 update; printf X; tail -c +302 update; } > damaged
say patch v1.bin damaged no
say verify v1.bin damaged
{ printf '\xE2'; tail -c +2 update; } > newer
say info newer
