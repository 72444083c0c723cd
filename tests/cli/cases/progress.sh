# SPDX-License-Identifier: Apache-2.0
# The progress bar: on a terminal, for long work, and nowhere else.
need script
hello
firmware 40000 1 > old.bin
firmware 40000 3 > new.bin

# On a terminal: per cent and seconds, gone at the end.
script -qec "'$mote' diff old.bin new.bin new.mote -q" typescript > /dev/null < /dev/null ||
  fail "on a terminal: exit code $?"
grep -qE 'comparing \[[#.]{40}\] +[0-9]+ %  [0-9]+ s' typescript || fail "no bar for long work"
tail -n +2 typescript | sed '$d' | tr '\r' '\n' | tail -n 1 | grep -q '%' && fail "the bar stays on the screen"

# Short work, or no terminal: nothing.
script -qec "'$mote' diff hello.old hello.new short.mote -q" typescript > /dev/null < /dev/null
! grep -q '%' <(sed '1d;$d' typescript) || fail "a bar for short work"
expect 0 diff old.bin new.bin again.mote -q
[[ ! -s $err ]] || fail "a bar without a terminal"
same again.mote new.mote
