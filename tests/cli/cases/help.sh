# SPDX-License-Identifier: Apache-2.0
# Every help page, the version, and what stands on a terminal: at most 45 lines of 100 columns.
say --help
say diff --help
say diff --in-place --help
say patch --help
say info --help
say verify --help
say keygen --help
say sign --help
say approve --help
say statement --help
say offer --help
say inspect --help
say --version

for command in '' diff 'diff --in-place' patch info verify keygen sign approve statement offer inspect; do
  expect 0 $command --help
  awk 'length > 100 { long = 1 } END { exit NR > 45 || long }' "$out" ||
    fail "the help of mote $command does not fit a screen"
  cp "$out" long
  expect 0 $command -h
  same "$out" long
done

# Every status of patch/status.h has its line in the table of exit codes.
expect 0 --help
while read -r number name; do
  grep -qE "^ +$number  $name " "$out" || fail "exit code $number, $name, is not in the help"
done <<< "0 done
1 need_input
2 bad_argument
3 corrupt
4 wrong_base
5 does_not_fit
6 unsupported
7 flash_error
8 read_error
9 file_error
10 bad_image
11 bad_signature
12 wrong_device
13 stale
14 downgrade"

mote --help > /dev/full
"$mote" --help > /dev/full 2> "$err"
[[ $? == 9 ]] || fail "help to a full disk is not a file error"
