# SPDX-License-Identifier: Apache-2.0
# Ctrl-C and its like, in the middle of the work: no temporary file, the old output untouched, 128 + signal.
# Large enough to be busy for seconds.
firmware 200000 1 > old.bin
firmware 200000 3 > new.bin
set -m  # a job that takes Ctrl-C, as in a terminal

try() {
  local signal=$1 code=$2 job i
  printf 'precious' > delta
  "$mote" diff old.bin new.bin delta > "$out" 2> "$err" &
  job=$!
  for ((i = 0; i < 600; ++i)); do
    compgen -G '.mote-*' > /dev/null && break
    sleep 0.05
  done
  compgen -G '.mote-*' > /dev/null || fail "$signal: no temporary file in half a minute"
  kill -s "$signal" $job
  wait $job
  status=$?
  ((status == code)) || fail "$signal: exit code $status, not $code"
  [[ $(< delta) == precious ]] || fail "$signal: the output was touched"
  no_left_overs
}
try INT 130
try TERM 143
try HUP 129
