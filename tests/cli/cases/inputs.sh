# SPDX-License-Identifier: Apache-2.0
# Input formats: what is in an Intel HEX or ELF file is the image that a raw file has.
need objcopy ld jq
pair
for name in old new; do
  objcopy -I binary -O ihex --change-addresses 0x08004000 $name.bin $name.hex
  # A program of one loadable section.
  { echo '.section .text; .incbin "'$name'.bin"'; } | as -o $name.o -
  ld -Ttext 0x08004000 -e 0 -z noseparate-code -z max-page-size=16 -o $name.elf $name.o 2> /dev/null
done

# The images are what counts, and for codec model the address: raw files have none but what --base says.
address=0x08004000
expect 0 diff old.bin new.bin raw.mote --codec lzss -q
expect 0 diff old.bin new.bin at.mote --base $address --json
[[ $(jq .old.base "$out") == $((address)) ]] || fail "raw: --base is not reported"
for kind in hex elf; do
  expect 0 diff old.$kind new.$kind $kind.mote --json
  same $kind.mote at.mote
  [[ $(jq .old.base "$out") == $((address)) ]] || fail "$kind: base $(jq .old.base "$out")"
  [[ $(jq -r .new.format "$out") == $kind ]] || fail "$kind: format $(jq .new.format "$out")"
  [[ $(jq '.model.segments[0].old_address' "$out") == $((address)) ]] || fail "$kind: not what the model assumes"
  expect 0 diff old.$kind new.$kind $kind.mote --codec lzss -q
  same $kind.mote raw.mote
  expect 0 diff old.$kind new.bin mixed.mote --new-base $address -q
  same mixed.mote at.mote
  expect 0 diff - new.$kind stdin.mote -q < old.$kind
  same stdin.mote at.mote
  expect 0 diff old.$kind new.$kind forced.mote --input-format $kind -q
  same forced.mote at.mote
  expect 0 patch old.$kind at.mote $kind.bin -q
  same $kind.bin new.bin
  expect 0 verify old.$kind at.mote
  expect 0 diff old.$kind new.$kind base.mote --base 0x1000 --json
  [[ $(jq .old.base "$out") == 4096 ]] || fail "$kind: --base does not override the file"
  [[ $(jq '.model.segments[0].old_address' "$out") == 4096 ]] || fail "$kind: --base does not get to the model"
  expect 0 diff old.$kind new.$kind bases.mote --base 0x1000 --new-base 0x2000 --json
  [[ $(jq -c '[.old.base, .new.base]' "$out") == '[4096,8192]' ]] || fail "$kind: --new-base does not override --base"
  [[ $(jq -c '.model.segments[0] | [.old_address, .new_address]' "$out") == '[4096,8192]' ]] || fail "$kind: $(< "$out")"
done

# Taken as raw, a HEX file is text like any other.
expect 0 diff old.hex new.hex text.mote --input-format raw -q
expect 0 patch old.hex text.mote text.hex --input-format raw -q
same text.hex new.hex

# An update for another slot: told or found, the addresses are the same, and nothing but them has changed.
slots=$pairs/lock-cm0-slots
for bases in "" "--old-base 0x08004000 --new-base 0x08032000" "--base 0x08004000 --new-base 0x08032000"; do
  expect 0 diff "$slots/old.bin" "$slots/new.bin" slots.mote $bases --json
  [[ $(jq -c '.model.segments[0] | [.old_address, .new_address]' "$out") == "[$((0x08004000)),$((0x08032000))]" ]] ||
    fail "slots, '$bases': $(< "$out")"
  (($(stat -c %s slots.mote) <= 30)) || fail "slots, '$bases': $(stat -c %s slots.mote) bytes"
  expect 0 patch "$slots/old.bin" slots.mote slots.bin -q
  same slots.bin "$slots/new.bin"
done
# A wrong address costs size, never correctness.
expect 0 diff "$slots/old.bin" "$slots/new.bin" wrong.mote --base 0x20000000 -q
(($(stat -c %s wrong.mote) > $(stat -c %s slots.mote))) || fail "a wrong address costs nothing"
expect 0 patch "$slots/old.bin" wrong.mote wrong.bin -q
same wrong.bin "$slots/new.bin"

# An Espressif image tells where its parts are loaded, whatever its file says of the flash; unless one insists.
espressif() {  # $1: from 2 KiB of its code on, everything moved by so many bytes
  awk -v moved=$1 'function word(w) { printf "%02X%02X%02X%02X", w % 256, w / 256 % 256, w / 65536 % 256, w / 16777216 }
    BEGIN {
      printf "E9020220000010400000000000000000EE00000000000000"
      word(1074790400); word(4096)  # 0x40100000
      for (i = 0; i < 1024; ++i) {
        to = i * 1237 % 4096
        word(1074790400 + to + (to >= 2048 ? moved : 0))
      }
      word(1073414144); word(1024)  # 0x3FFB0000
      for (i = 0; i < 256; ++i) word(1073414144 + i * 237 % 1024)
    }' > digits
  hex "$(< digits)"
}
espressif 0 > esp-old.bin
espressif 12 > esp-new.bin
for name in old new; do objcopy -I binary -O ihex --change-addresses 0x10000 esp-$name.bin esp-$name.hex; done
expect 0 diff esp-old.bin esp-new.bin esp.mote -q
expect 0 diff esp-old.hex esp-new.hex esp-hex.mote -q
same esp-hex.mote esp.mote
expect 0 diff esp-old.bin esp-new.bin esp-base.mote --base 0x10000 --json
[[ $(jq -c '[.model.segments[].old_address]' "$out") == "[$((0x10000))]" ]] || fail "--base: $(< "$out")"
! cmp -s esp-base.mote esp.mote || fail "--base does nothing to an Espressif image"
