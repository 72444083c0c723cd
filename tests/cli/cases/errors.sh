# SPDX-License-Identifier: Apache-2.0
# One failure of each class: its message and its exit code.
hello

# 1 need_input: cut short in the header, in the commands, in the check at the end; nothing at all.
head -c 5 hello.mote > header-cut
head -c 12 hello.mote > commands-cut
head -c 15 hello.mote > check-cut
: > empty
for delta in header-cut commands-cut check-cut empty; do
  say patch hello.old $delta new.bin
  say verify hello.old $delta
  say info $delta
done

# Of codec model the end cannot be seen: only its header can be too short for certain, the rest is damaged then.
expect 0 diff hello.old hello.new model.mote --codec model -q
head -c 9 model.mote > model-header-cut
head -c 20 model.mote > model-cut
for delta in model-header-cut model-cut; do
  say patch hello.old $delta new.bin
  say verify hello.old $delta
done
say info model-header-cut

# 3 corrupt: no delta at all, a damaged command, a damaged check.
hex D1 00 0B 02 A7 3F 8B D5 7F 03 2C 00 06 1D A4 0E 4D > long-copy
hex D1 00 0B 02 A7 3F 8B D5 05 03 2D 00 06 1D A4 0E 4D > wrong-byte
for delta in hello.old long-copy wrong-byte; do
  say patch hello.old $delta new.bin
  say verify hello.old $delta
  say verify hello.old $delta --json
done

# 4 wrong_base: other bytes, too few bytes.
printf 'hello World' > other.old
printf 'hello' > short.old
say patch other.old hello.mote new.bin
say patch short.old hello.mote new.bin
say verify other.old hello.mote
say verify other.old hello.mote --json
# More bytes are no wrong base: only the start counts.
printf 'hello world and a trailer' > longer.old
say verify longer.old hello.mote

# 5 does_not_fit: the decoder's RAM, the slot, and no window that fits.
say patch hello.old hello.mote new.bin --ram 100
say patch hello.old hello.mote new.bin --sector 8 --slot 8
say diff hello.old hello.new new.mote --ram 1023
say diff hello.old hello.new new.mote --ram 431
say diff hello.old hello.new new.mote --ram 100
say diff hello.old hello.new new.mote --codec lzss --ram 300
say diff hello.old hello.new new.mote --codec lzss --ram 1K --window 12
say diff hello.old hello.new new.mote --codec raw --ram 100
say patch hello.old model.mote new.bin --ram 2K
printf 'hello' > short.old
hex D1 00 05 0E AB 2C 9F 4F 05 0F 2C 20 77 6F 72 6C 64 1D A4 0E 4D > grows.mote
say patch short.old grows.mote new.bin --sector 8 --slot 8

# 6 unsupported: a later version, an unknown codec, reserved bits, a codec for hosts on a device.
hex D2 00 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D > version
hex D1 07 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D > codec
hex D1 10 0B 02 A7 3F 8B D5 05 03 2C 00 06 1D A4 0E 4D > parameter
for delta in version codec parameter; do
  say patch hello.old $delta new.bin
  say info $delta
done
expect 0 diff hello.old hello.new zstd.mote --codec zstd -q
say patch hello.old zstd.mote new.bin --ram 4K

# 9 file_error: missing, a directory, a path under a file.
mkdir directory
say patch missing.old hello.mote new.bin
say patch hello.old missing.mote new.bin
say patch directory hello.mote new.bin
say patch hello.old directory new.bin
say patch hello.old/below hello.mote new.bin
say patch hello.old hello.mote directory
say patch hello.old hello.mote missing/new.bin
say patch hello.old hello.mote hello.old/below
say patch hello.old hello.mote ''
say patch hello.old hello.mote /dev/full
say diff missing.old hello.new new.mote
say diff hello.old missing.new new.mote
say diff hello.old hello.new directory
say diff hello.old hello.new hello.old/below
say info missing.mote
say info directory
say verify hello.old directory

# 10 bad_image: a HEX file with a wrong sum, something forced to be what it is not.
printf ':0400000001020304F2\n:0400040005060708DF\n:00000001FF\n' > bad.hex
say diff bad.hex hello.new new.mote
say diff hello.old hello.new new.mote --input-format elf
say patch bad.hex hello.mote new.bin

[[ ! -e new.bin && ! -e new.mote ]] || fail "a failed command left its output"
