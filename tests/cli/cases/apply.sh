# SPDX-License-Identifier: Apache-2.0
# Deltas made by mote rebuild the new image, with every codec and on every geometry.
need jq
hello
pair
: > empty

for codec in model raw lzss bz2 zstd lz4; do
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
  expect 0 diff old.bin new.bin w.mote --codec lzss --window $window --json
  ram=$(jq .decoder_ram "$out")
  [[ $(jq .window_bits "$out") == $window ]] || fail "window $window: $(< "$out")"
  expect 0 patch old.bin w.mote w.bin --ram $ram -q
  same w.bin new.bin
  printf 'precious' > w.bin
  expect 5 patch old.bin w.mote w.bin --ram $((ram - 1)) -q
  [[ $(< w.bin) == precious ]] || fail "refused, and NEW was touched"
done

# --ram is kept to, and used: codec and what has to fit.
while read -r codec ram member value; do
  expect 0 diff old.bin new.bin r.mote --codec $codec --ram $ram -q
  expect 0 patch old.bin r.mote r.bin --ram $ram -q
  same r.bin new.bin
  expect 0 info r.mote --json
  [[ -z $member || $(jq .$member "$out") == "$value" ]] || fail "$codec, --ram $ram: $(< "$out")"
done <<< "lzss 512 window_bits 8
lzss 1K window_bits 9
lzss 3K
lzss 40K
raw 176 decoder_ram 176
model 1K profile 2
model 2047 profile 2
model 2K profile 1
model 4095 profile 1
model 4K profile 0
model 40K decoder_ram 4096"
# Much less memory, a larger delta; and a device refuses what does not fit.
expect 0 diff old.bin new.bin smallest.mote --ram 1K -q
(($(stat -c %s model.mote) < $(stat -c %s smallest.mote))) || fail "1 KiB of RAM does as well as 4"
expect 0 diff old.bin new.bin small.mote --ram 2K -q
(($(stat -c %s model.mote) < $(stat -c %s lzss.mote))) || fail "codec model is no smaller than lzss"
expect 5 patch old.bin model.mote r.bin --ram 4095 -q
expect 5 patch old.bin small.mote r.bin --ram 2047 -q

# Sectors and program units, the smallest ones too. The counts are what the sizes say. Codec model reads back what it wrote.
size=$(stat -c %s new.bin)
while read -r sector unit; do
  for delta in lzss.mote model.mote; do
    expect 0 patch old.bin $delta g.bin --sector $sector --program-unit $unit --json
    same g.bin new.bin
    [[ $(jq .sectors_erased "$out") == $(((size + sector - 1) / sector)) ]] || fail "sector $sector: $(< "$out")"
    [[ $(jq .bytes_programmed "$out") == $(((size + unit - 1) / unit * unit)) ]] || fail "unit $unit: $(< "$out")"
  done
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
for codec in lzss model; do
  expect 0 diff empty hello.new from-nothing.mote --codec $codec -q
  expect 0 patch empty from-nothing.mote a -q
  same a hello.new
  expect 0 diff hello.old empty to-nothing.mote --codec $codec -q
  expect 0 patch hello.old to-nothing.mote b -q
  same b empty
  expect 0 diff empty empty nothing.mote --codec $codec -q
  expect 0 patch empty nothing.mote c -q
  same c empty
done

# Model is the default, and deterministic.
expect 0 diff old.bin new.bin again.mote -q
same again.mote model.mote

# An image that stays as it is costs the header and the setting.
for image in old.bin new.bin hello.old empty "$pairs"/*/old.bin; do
  expect 0 diff "$image" "$image" same.mote -q
  (($(stat -c %s same.mote) <= 20)) || fail "$image: $(stat -c %s same.mote) bytes for no change"
  expect 0 patch "$image" same.mote same.bin -q
  same same.bin "$image"
done

# Bytes behind the end are ignored, as block transports pad; with codec model, which does not see the end, zeros are.
for codec in lzss model; do
  for padding in 1 3 4 1000; do
    { cat $codec.mote; head -c $padding /dev/zero; } > padded.mote
    expect 0 patch old.bin padded.mote p.bin -q
    same p.bin new.bin
  done
done
{ cat lzss.mote; cat hello.old; } > padded.mote
expect 0 patch old.bin padded.mote p.bin -q
same p.bin new.bin
printf 'precious' > p.bin
{ cat model.mote; cat hello.old; } > padded.mote
mote patch old.bin padded.mote p.bin -q
if ((status == 0)); then
  same p.bin new.bin
else
  ((status == 3)) || fail "a model delta and more: exit code $status, $(< "$err")"
  [[ $(< p.bin) == precious ]] || fail "a model delta and more: NEW was touched"
fi
