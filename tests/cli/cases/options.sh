# SPDX-License-Identifier: Apache-2.0
# Usage errors: each names what is wrong and exits with 2, before any file is touched.
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
say diff hello.old hello.new new.mote --window 7
say diff hello.old hello.new new.mote --window 16
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
