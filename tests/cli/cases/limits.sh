# SPDX-License-Identifier: Apache-2.0
# Files above 2 GiB - 1, which hold no blocks: refused at once, by name, before a byte of them is read.
hello
truncate -s 2147483648 large
advice='is larger than 2147483647 bytes, the most that mote reads'

refuse() {
  local start=$SECONDS
  expect 9 "$@"
  grep -qF "mote: large: $advice" "$err" || fail "mote $*: $(< "$err")"
  ((SECONDS - start <= 5)) || fail "mote $*: took $((SECONDS - start)) s"
}
refuse diff large hello.new new.mote
refuse diff hello.old large new.mote
refuse diff hello.old large new.mote --format bsdiff40
refuse patch large hello.mote new.bin
refuse patch hello.old large new.bin
refuse verify large hello.mote
refuse verify hello.old large
refuse info large
[[ ! -e new.mote && ! -e new.bin ]] || fail "a refused command left its output"

# A delta of few bytes that claims 1 GiB of new takes neither that memory nor that time.
hex D1 00 00 80 80 80 80 08 C5 9D 1C 81 > claims
hex D1 02 00 80 80 80 80 08 C5 9D 1C 81 > model-claims
: > empty
start=$SECONDS
expect 1 patch empty claims new.bin
expect 1 verify empty claims
expect 1 info claims
expect 3 patch empty model-claims new.bin
expect 3 verify empty model-claims
expect 0 info model-claims
((SECONDS - start <= 5)) || fail "the claim took $((SECONDS - start)) s"
