# SPDX-License-Identifier: Apache-2.0
# Deltas made by mote rebuild the new image, with every codec and on every geometry.
need jq
hello
pair
: > empty

for codec in raw lzss bz2 zstd lz4; do
  expect 0 diff old.bin new.bin $codec.mote --codec $codec -q
  expect 0 patch old.bin $codec.mote $codec.bin
  same $codec.bin new.bin
  expect 0 verify old.bin $codec.mote --json
  [[ $(jq -r .sha256 "$out") == $(sha256sum < new.bin | cut -d' ' -f1) ]] || fail "$codec: other SHA-256"
  expect 0 info $codec.mote --json
  [[ $(jq -r .codec "$out") == $codec ]] || fail "$codec: not recorded"
done

# Each window is kept to, and the decoder's RAM with it.
for window in 8 9 10 11 12 13 14 15; do
  expect 0 diff old.bin new.bin w.mote --window $window --json
  ram=$(jq .decoder_ram "$out")
  [[ $(jq .window_bits "$out") == $window ]] || fail "window $window: $(< "$out")"
  expect 0 patch old.bin w.mote w.bin --ram $ram -q
  same w.bin new.bin
  printf 'precious' > w.bin
  expect 5 patch old.bin w.mote w.bin --ram $((ram - 1)) -q
  [[ $(< w.bin) == precious ]] || fail "refused, and NEW was touched"
done

# --ram is kept to.
for ram in 512 1K 3K 4K 40K; do
  expect 0 diff old.bin new.bin r.mote --ram $ram -q
  expect 0 patch old.bin r.mote r.bin --ram $ram -q
  same r.bin new.bin
done

# Sectors and program units, the smallest ones too. The counts are what the sizes say.
size=$(stat -c %s new.bin)
while read -r sector unit; do
  expect 0 patch old.bin lzss.mote g.bin --sector $sector --program-unit $unit --json
  same g.bin new.bin
  [[ $(jq .sectors_erased "$out") == $(((size + sector - 1) / sector)) ]] || fail "sector $sector: $(< "$out")"
  [[ $(jq .bytes_programmed "$out") == $(((size + unit - 1) / unit * unit)) ]] || fail "unit $unit: $(< "$out")"
done <<< "4096 4
2048 8
128 128
1 1
3 1
1048576 256"

# A slot of just the right size, and one sector less.
slot=$(((size + 255) / 256 * 256))
old_size=$(stat -c %s old.bin)
((old_size > slot)) && slot=$(((old_size + 255) / 256 * 256))
expect 0 patch old.bin lzss.mote s.bin --sector 256 --slot $slot -q
expect 5 patch old.bin lzss.mote s.bin --sector 256 --slot $((slot - 256)) -q

# Nothing, from nothing and to nothing.
expect 0 diff empty hello.new from-nothing.mote -q
expect 0 patch empty from-nothing.mote a -q
same a hello.new
expect 0 diff hello.old empty to-nothing.mote -q
expect 0 patch hello.old to-nothing.mote b -q
same b empty
expect 0 diff empty empty nothing.mote -q
expect 0 patch empty nothing.mote c -q
same c empty

# Deterministic.
expect 0 diff old.bin new.bin again.mote -q
same again.mote lzss.mote

# Bytes behind the end are ignored, as block transports pad.
{ cat lzss.mote; head -c 1000 /dev/zero; } > padded.mote
expect 0 patch old.bin padded.mote p.bin -q
same p.bin new.bin
