# SPDX-License-Identifier: Apache-2.0
# Usage errors: each names what is wrong and exits with 2, before any file is touched.
need jq
hello
say
say frobnicate
say diff
say diff hello.old hello.new
say diff hello.old hello.new new.mote surplus
say diff hello.old hello.new new.mote --no-such-option
say diff hello.old hello.new new.mote --codec gzip
say diff hello.old hello.new new.mote --format vcdiff
say diff hello.old hello.new new.mote --input-format srec
say diff hello.old hello.new new.mote --codec lzss --window 7
say diff hello.old hello.new new.mote --codec lzss --window 16
say diff hello.old hello.new new.mote --window 10
say diff hello.old hello.new new.mote --window 10 --codec raw
say diff hello.old hello.new new.mote --ram 12Q
say diff hello.old hello.new new.mote --ram -1
say diff hello.old hello.new new.mote --ram 4KB
say diff hello.old hello.new new.mote --ram ''
say diff hello.old hello.new new.mote --ram 4294967296
say diff hello.old hello.new new.mote --ram 5000000K
say diff hello.old hello.new new.mote --ram
say diff hello.old hello.new new.mote --ram 4K --codec zstd
say diff hello.old hello.new new.mote --ram 4K --format bsdiff40
say diff hello.old hello.new new.mote --codec lzss --format bsdiff40
say diff hello.old hello.new new.mote --arch arm
say diff hello.old hello.new new.mote --arch Thumb
say diff hello.old hello.new new.mote --arch ''
say diff hello.old hello.new new.mote --codec lzss --arch thumb
say diff hello.old hello.new new.mote --base 0x08004000 --format bsdiff40
say diff hello.old hello.new new.mote --base 0x08004000 --codec lzss
say diff hello.old hello.new new.mote --old-base 0x08004000 --codec raw
say diff hello.old hello.new new.mote --new-base 0x08004000 --codec zstd
say diff hello.old hello.new new.mote --old-base flash
say diff hello.old hello.new new.mote --new-base 0x100000000
say diff hello.old hello.new new.mote --effort 0
say diff hello.old hello.new new.mote --effort 10
say diff hello.old hello.new new.mote --effort high
say diff hello.old hello.new new.mote -0
say diff hello.old hello.new new.mote --effort 7 --codec lzss
say diff hello.old hello.new new.mote -9 --codec lzss
say diff - - new.mote
say diff hello.old hello.new hello.new
say diff hello.old hello.new ./hello.old
say patch hello.old hello.mote
say patch - - new.bin
say patch hello.old hello.mote hello.mote
say patch hello.old hello.mote new.bin --program-unit 3
say patch hello.old hello.mote new.bin --program-unit 0
say patch hello.old hello.mote new.bin --sector 0
say patch hello.old hello.mote new.bin --sector 10
say patch hello.old hello.mote new.bin --slot 5000
say patch hello.old hello.mote new.bin --slot 0
say info
say info hello.mote --quiet
say verify hello.old
say verify - -

[[ $(ls | sort | tr '\n' ' ') == "hello.mote hello.new hello.old " ]] || fail "a usage error left files: $(ls)"

# Numbers that are right, in every spelling.
for ram in 4096 4K 4KiB 0x1000 1M 1MiB 4294967295; do
  expect 0 diff hello.old hello.new "ram-$ram.mote" --ram "$ram" -q
done
same ram-4096.mote ram-4K.mote
same ram-4096.mote ram-4KiB.mote
same ram-4096.mote ram-0x1000.mote

# Every instruction set has a name, and what was named is what the delta says; `auto` is as good as saying nothing.
for name in words thumb xtensa riscv aarch64 tc32 8051 mips xtensa-be mips-be words-be; do
  expect 0 diff hello.old hello.new arch.mote --arch $name -q
  expect 0 info arch.mote --json
  [[ $(jq -r .model.architecture "$out") == $name ]] || fail "--arch $name: $(< "$out")"
  expect 0 patch hello.old arch.mote arch.new -q
  same arch.new hello.new
done
expect 0 diff hello.old hello.new default.mote -q
expect 0 diff hello.old hello.new auto.mote --arch auto -q
same auto.mote default.mote

# Effort: long and short; the last one counts; five is the default. More effort is never a larger delta.
pair=$pairs/logger-lx106-os-o2
last=
for effort in 1 2 3 4 5 6 7 8 9; do
  expect 0 diff "$pair/old.bin" "$pair/new.bin" long.mote --effort $effort -q
  expect 0 diff "$pair/old.bin" "$pair/new.bin" short.mote -$effort -q
  same long.mote short.mote
  size=$(stat -c %s long.mote)
  [[ -z $last ]] || ((size <= last)) || fail "effort $effort: $size bytes, one less: $last"
  last=$size
  cp long.mote effort-$effort.mote
done
(($(stat -c %s effort-9.mote) < $(stat -c %s effort-1.mote))) || fail "effort does nothing"
expect 0 diff "$pair/old.bin" "$pair/new.bin" default.mote -q
same default.mote effort-5.mote
expect 0 diff "$pair/old.bin" "$pair/new.bin" last.mote -9 --effort 1 -q
same last.mote effort-1.mote
expect 0 diff "$pair/old.bin" "$pair/new.bin" last.mote --effort 1 -2 -9 -q
same last.mote effort-9.mote
