# SPDX-License-Identifier: Apache-2.0
# Output appears whole or not at all, and where it was meant to.
hello
pair
head -c 12 hello.mote > cut.mote

# A failed run leaves what stood there.
printf 'precious' > kept
expect 1 patch hello.old cut.mote kept
expect 4 patch hello.new hello.mote kept
expect 5 patch hello.old hello.mote kept --ram 1
[[ $(< kept) == precious ]] || fail "a failed patch touched NEW"
expect 5 diff old.bin new.bin kept --ram 200
expect 9 diff old.bin missing kept
[[ $(< kept) == precious ]] || fail "a failed diff touched DELTA"


# Over an existing file: its permissions stay, a symbolic link stays one, a hard link's other name keeps the old bytes.
printf 'precious' > target
chmod 640 target
ln -s target link
ln target other-name
expect 0 patch hello.old hello.mote link -q
same target hello.new
[[ -L link ]] || fail "the symbolic link is gone"
[[ $(stat -c %a target) == 640 ]] || fail "the permissions are now $(stat -c %a target)"
[[ $(< other-name) == precious ]] || fail "the file was written in place"
(umask 027; "$mote" patch hello.old hello.mote fresh -q)
[[ $(stat -c %a fresh) == 640 ]] || fail "a new file does not follow the umask: $(stat -c %a fresh)"

# OLD and NEW may be the same path; after a failure it is still OLD.
cp hello.old image
expect 3 patch image hello.new image
same image hello.old
expect 0 patch image hello.mote image -q
same image hello.new
expect 4 patch image hello.mote image
same image hello.new

# Standard input and output; reports then go to standard error.
expect 0 patch - hello.mote - < hello.old
same "$out" hello.new
grep -q '^new ' "$err" || fail "no report on standard error"
expect 0 patch hello.old - - --json < hello.mote
same "$out" hello.new
jq -e '.status == "done" and .new_size == 12' "$err" > /dev/null || fail "no JSON on standard error"
expect 0 patch hello.old - new2 --quiet < hello.mote
[[ ! -s $out && ! -s $err ]] || fail "--quiet is not quiet"
expect 0 diff - new.bin stdin.mote -q < old.bin
expect 0 diff old.bin - stdin2.mote -q < new.bin
expect 0 diff old.bin new.bin - < /dev/null
cp "$out" stdout.mote
grep -q '^delta ' "$err" || fail "no report on standard error"
same stdin.mote stdin2.mote
same stdin.mote stdout.mote
expect 0 info - < hello.mote
expect 0 verify - hello.mote < hello.old
expect 0 verify hello.old - < hello.mote
: | "$mote" info - 2> "$err"
[[ ${PIPESTATUS[1]} == 1 ]] || fail "an empty standard input is not a delta that was cut short"
grep -q '^mote: standard input: ' "$err" || fail "standard input is not named: $(< "$err")"

# Standard output that takes nothing: exit code 9, not silence.
for arguments in "patch hello.old hello.mote -" "diff hello.old hello.new -" "info hello.mote" \
    "verify hello.old hello.mote" "info --json hello.mote" "--version"; do
  "$mote" $arguments > /dev/full 2> "$err"
  code=$?
  [[ $code == 9 ]] || fail "mote $arguments > /dev/full: exit code $code"
  grep -q '^mote: standard output: cannot be written (No space left on device)' "$err" ||
    fail "mote $arguments > /dev/full: $(< "$err")"
done
"$mote" info hello.mote >&- 2> "$err"
[[ $? == 9 ]] || fail "closed standard output: exit code $?"

# A pipe and a device are written, not replaced.
mkfifo pipe
cat pipe > from-pipe &
expect 0 patch hello.old hello.mote pipe -q
wait
[[ -p pipe ]] || fail "the pipe was replaced by a file"
same from-pipe hello.new
expect 0 patch hello.old hello.mote /dev/null
[[ -c /dev/null ]] || fail "/dev/null was replaced by a file"

# A disk on which the image does not fit: here, a limit on the size of files.
expect 0 diff old.bin new.bin large.mote -q
printf 'precious' > kept
(trap '' XFSZ; ulimit -f 8; exec "$mote" patch old.bin large.mote kept) > "$out" 2> "$err"
code=$?
[[ $code == 9 ]] || fail "a full disk: exit code $code"
grep -q '^mote: kept: cannot be written (File too large)' "$err" || fail "a full disk: $(< "$err")"
[[ $(< kept) == precious ]] || fail "a full disk cost the old file"

# Odd names.
cp hello.old ' spaced name'
cp hello.mote -- -dash
expect 0 patch ' spaced name' ./-dash "$(printf 'new\nline')" -q
expect 0 patch -q -- ' spaced name' -dash '[brackets]'
same '[brackets]' hello.new
