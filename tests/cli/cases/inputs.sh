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

expect 0 diff old.bin new.bin raw.mote -q
for kind in hex elf; do
  expect 0 diff old.$kind new.$kind $kind.mote --json
  same $kind.mote raw.mote
  [[ $(jq .old.base "$out") == $((0x08004000)) ]] || fail "$kind: base $(jq .old.base "$out")"
  [[ $(jq -r .new.format "$out") == $kind ]] || fail "$kind: format $(jq .new.format "$out")"
  expect 0 diff old.$kind new.bin mixed.mote -q
  same mixed.mote raw.mote
  expect 0 diff - new.$kind stdin.mote -q < old.$kind
  same stdin.mote raw.mote
  expect 0 diff old.$kind new.$kind forced.mote --input-format $kind -q
  same forced.mote raw.mote
  expect 0 patch old.$kind raw.mote $kind.bin -q
  same $kind.bin new.bin
  expect 0 verify old.$kind raw.mote
  expect 0 diff old.$kind new.$kind base.mote --base 0x1000 --json
  [[ $(jq .old.base "$out") == 4096 ]] || fail "$kind: --base does not override the file"
  same base.mote raw.mote
done

# Taken as raw, a HEX file is text like any other.
expect 0 diff old.hex new.hex text.mote --input-format raw -q
expect 0 patch old.hex text.mote text.hex --input-format raw -q
same text.hex new.hex
expect 0 diff old.bin new.bin base.mote --base 134217728 --json
[[ $(jq .old.base "$out") == 134217728 ]] || fail "raw: --base is not reported"
