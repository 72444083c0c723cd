# SPDX-License-Identifier: Apache-2.0
# A damaged delta never makes an image other than the right one: every cut and every flipped bit.
hello
expect 0 diff hello.old hello.new lzss.mote --codec lzss -q
expect 0 diff hello.old hello.new model.mote --codec model -q
expect 0 diff hello.old hello.new small.mote --codec model --ram 1K -q
expect 0 diff hello.old hello.new zstd.mote --codec zstd -q

try() {
  printf 'precious' > new.bin
  mote patch hello.old damaged new.bin -q
  if ((status == 0)); then
    same new.bin hello.new
  else
    ((status <= 6)) || fail "$1: exit code $status: $(< "$err")"
    [[ $(< new.bin) == precious ]] || fail "$1: NEW was touched"
    [[ $(wc -l < "$err") == 1 ]] || fail "$1: not one line: $(< "$err")"
  fi
  local patch_status=$status
  mote verify hello.old damaged
  ((status == patch_status)) || fail "$1: patch says $patch_status, verify $status"
}

# info reads as far as it can; it may call a damaged delta intact.
try_info() {
  mote info damaged
  ((status == 0 || status == 1 || status == 3 || status == 6)) || fail "$1: info: exit code $status: $(< "$err")"
}

for delta in hello.mote lzss.mote zstd.mote model.mote small.mote; do
  size=$(stat -c %s $delta)
  header=$size
  # The end of a model delta looks like any other place.
  [[ $delta != model.mote && $delta != small.mote ]] || header=8
  for ((cut = 0; cut < size; ++cut)); do
    head -c $cut $delta > damaged
    try "$delta cut to $cut bytes"
    if ((cut < header)); then
      [[ $delta == zstd.mote ]] || ((status == 1)) || fail "$delta cut to $cut bytes: exit code $status"
    else
      ((status == 3)) || fail "$delta cut to $cut bytes: exit code $status"
    fi
    try_info "$delta cut to $cut bytes"
  done
  read -ra bytes <<< "$(od -An -v -tx1 $delta | tr '\n' ' ')"
  for ((bit = 0; bit < 8 * size; ++bit)); do
    flipped=("${bytes[@]}")
    flipped[bit / 8]=$(printf '%02x' $((16#${bytes[bit / 8]} ^ 1 << bit % 8)))
    hex "${flipped[*]}" > damaged
    try "$delta with bit $bit flipped"
    try_info "$delta with bit $bit flipped"
  done
done
