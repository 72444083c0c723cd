# SPDX-License-Identifier: Apache-2.0
# Keys, releases, approvals, statements, offers: a vendor, a server and a device that asks.
need jq openssl script setsid sha256sum base64

# The same keys each time, or the transcript would differ. Their secrets are one byte, 32 times.
ed25519() {
  { echo '-----BEGIN PRIVATE KEY-----'
    hex 302e020100300506032b657004220420 "$(printf "$1%.0s" {1..32})" | base64
    echo '-----END PRIVATE KEY-----'; } > "$2.pem"
  openssl pkey -in "$2.pem" -pubout -out "$2.pub.pem" 2> /dev/null || fail "openssl does not read $2.pem"
}
p256() {
  { echo '-----BEGIN PRIVATE KEY-----'
    hex 3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420 "$(printf "$1%.0s" {1..32})" | base64 -w 64
    echo '-----END PRIVATE KEY-----'; } > "$2.pem"
  openssl pkey -in "$2.pem" -pubout -out "$2.pub.pem" 2> /dev/null || fail "openssl does not read $2.pem"
}
p256 11 vendor
p256 12 server
ed25519 13 alice
ed25519 14 bob
p256 15 mallory
mkdir -p store/images

little() { printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/'; }
# token FILE BASE-IMAGE VERSION-IN-HEX [ENCRYPTIONS [CODECS]]: of application 1, hardware 7, for 64 KiB at 0x08008000.
token() {
  hex 6d745401 0001020304050607 6465666768696a6b "$(little 1)" "$(little 7)" "$(little $((16#$3)))" "$(little 0)" \
    "$(sha256sum "$2" | head -c 16)" "$(little 4096)" "$(little $((16#08008000)))" "$(little 65536)" "${5:-0700}" 0300 06 "${4:-0f}" 0a 00 > "$1"
}
fields=(--application 1 --hardware 7 --link-address 0x08008000)

# ---- keygen: what is written, who may read it, what is not overwritten.
for type in p256 ed25519 x25519; do
  say keygen $type.pem --type $type
  [[ $(stat -c %a $type.pem) == 600 ]] || fail "$type.pem has mode $(stat -c %a $type.pem)"
  openssl pkey -in $type.pem -pubout 2> /dev/null | cmp - $type.pub.pem || fail "openssl sees another public key"
done
cp p256.pem before.pem
say keygen p256.pem
same p256.pem before.pem
chmod 644 p256.pem
expect 0 keygen p256.pem --force -q
cmp -s p256.pem before.pem && fail "--force made no new key"
[[ $(stat -c %a p256.pem) == 600 ]] || fail "--force left mode $(stat -c %a p256.pem)"
(umask 0; "$mote" keygen open.pem -q; [[ $(stat -c %a open.pem) == 600 ]]) || fail "the umask opens a private key"
touch half.pub.pem
say keygen half.pem
[[ ! -e half.pem ]] || fail "half a pair was written"
say keygen missing/key.pem
say keygen -
say keygen new.pem --type rsa
say keygen new.pem --passphrase --passphrase-file words

# Passphrases: from a file, from a terminal, from nowhere. None of them on a command line.
printf 'correct horse\nsecond line\n' > words
printf 'wrong\n' > other-words
: > no-words
say keygen locked.pem --type ed25519 --passphrase-file words
grep -q 'BEGIN ENCRYPTED PRIVATE KEY' locked.pem || fail "locked.pem is not encrypted"
say statement 0.statement --key locked.pem --sequence 1 --passphrase-file words -q
say statement 0.statement --key locked.pem --sequence 1 --passphrase-file other-words
say statement 0.statement --key locked.pem --sequence 1 --passphrase-file no-words
setsid -w "$mote" statement 0.statement --key locked.pem --sequence 1 < /dev/null > "$out" 2> "$err"
(($? == 2)) || fail "without a terminal: $(< "$err")"
grep -q -- --passphrase-file "$err" || fail "no advice without a terminal: $(< "$err")"
# terminal ANSWER COMMAND...: with a terminal, on which ANSWER is typed.
terminal() {
  local answer=$1
  shift
  (sleep 0.5; printf "$answer"; sleep 2) | script -qec "$(printf '%q ' "$mote" "$@")" /dev/null > "$out" 2> "$err"
}
terminal 'typed words\ntyped words\n' keygen typed.pem --passphrase || fail "typed: $(< "$out")"
grep -q 'typed words' "$out" && fail "the passphrase is shown"
printf 'typed words' > typed
expect 0 statement 0.statement --key typed.pem --sequence 1 --passphrase-file typed -q
terminal 'typed words\n' statement 0.statement --key typed.pem --sequence 1 || fail "asked: $(< "$out")"
terminal 'typed words\nother words\n' keygen differ.pem --passphrase && fail "two different passphrases"
[[ ! -e differ.pem ]] || fail "a key with two different passphrases"

# ---- sign and inspect.
hello
cp hello.old store/images/v1.bin
cp hello.new store/images/v2.bin
say sign hello.old store/v1.release --key vendor.pem "${fields[@]}" --version 1.0.0 --server-key server.pub.pem --server-epoch 1
say sign hello.new store/v2.release --key vendor.pem "${fields[@]}" --version 1.2.3 --server-key server.pub.pem --server-epoch 1 --counter 4 --json
say inspect store/v2.release
say inspect store/v2.release --json
say sign hello.new any.release --key alice.pem --application 1 --hardware 7 --version 1.2.3
printf ':10800000000102030405060708090A0B0C0D0E0FF8\n:00000001FF\n' > image.hex
say sign image.hex hex.release --key vendor.pem --application 1 --hardware 7 --version 1.2.3
say sign image.hex hex.release --key vendor.pem --application 1 --hardware 7 --version 1.2.3 --link-address any
say sign hello.new x --key vendor.pem "${fields[@]}"
say sign hello.new x --key vendor.pem "${fields[@]}" --version 1.2
say sign hello.new x --key vendor.pem --hardware 7 --version 1.2.3
say sign hello.new x --key vendor.pem --application 1 --hardware 7 --version 1.2.3 --link-address flash
say sign hello.new x "${fields[@]}" --version 1.2.3
say sign hello.new x --key x25519.pem "${fields[@]}" --version 1.2.3
say sign hello.new x --key vendor.pub.pem "${fields[@]}" --version 1.2.3
say sign hello.new x --key hello.new "${fields[@]}" --version 1.2.3
say sign hello.new x --key vendor.pem "${fields[@]}" --version 1.2.3 --server-key server.pem
say sign hello.new vendor.pem --key vendor.pem "${fields[@]}" --version 1.2.3
: > empty
say sign empty x --key vendor.pem "${fields[@]}" --version 1.2.3
[[ ! -e x ]] || fail "a release that could not be signed"

# ---- approvals: two of three.
mkdir policy
cp alice.pub.pem bob.pub.pem vendor.pub.pem policy
echo '{"k": 2, "approvers": ["alice.pub.pem", "bob.pub.pem", "vendor.pub.pem"]}' > policy/policy.json
release=("${fields[@]}" --version 1.2.4 --server-key server.pub.pem)
say approve hello.new alice.ok --key alice.pem "${release[@]}"
expect 0 approve hello.new bob.ok --key bob.pem "${release[@]}" -q
expect 0 approve hello.new mallory.ok --key mallory.pem "${release[@]}" -q
expect 0 approve hello.old other-image.ok --key bob.pem "${release[@]}" -q
expect 0 approve hello.new other-version.ok --key bob.pem "${fields[@]}" --version 1.2.5 --server-key server.pub.pem -q
say inspect alice.ok
sign=(sign hello.new approved.release --key vendor.pem "${release[@]}" --policy policy/policy.json)
say "${sign[@]}"
say "${sign[@]}" --approval alice.ok
say "${sign[@]}" --approval alice.ok --approval alice.ok
say "${sign[@]}" --approval alice.ok --approval mallory.ok
say "${sign[@]}" --approval alice.ok --approval other-image.ok
say "${sign[@]}" --approval alice.ok --approval other-version.ok
say "${sign[@]}" --approval alice.ok --approval hello.new
{ head -c 150 bob.ok; printf x; tail -c +152 bob.ok; } > changed.ok
say "${sign[@]}" --approval alice.ok --approval changed.ok
[[ ! -e approved.release ]] || fail "signed without two approvals"
say "${sign[@]}" --approval alice.ok --approval bob.ok
say sign hello.new x --key vendor.pem "${release[@]}" --approval alice.ok
for policy in '{' '[]' '{"k": 2}' '{"k": 0, "approvers": ["alice.pub.pem"]}' '{"k": 3, "approvers": ["alice.pub.pem"]}' \
  '{"k": 1, "approvers": ["alice.pub.pem", "alice.pub.pem"]}' '{"k": 1, "approvers": [7]}' '{"k": -1, "approvers": []}' \
  '{"k": 1, "approvers": ["nobody.pub.pem"]}' '{"k": 1, "approvers": [], "n": 3}' \
  '{"k": 4294967297, "approvers": ["alice.pub.pem"]}' '{"k": 1.5, "approvers": ["alice.pub.pem"]}'; do
  echo "$policy" > policy/wrong.json
  say sign hello.new x --key vendor.pem "${release[@]}" --policy policy/wrong.json --approval alice.ok
done

# ---- offers.
token device.token hello.old 01000000
say inspect device.token
say offer store device.token update.offer --key server.pem
say inspect update.offer
say inspect update.offer --json
say offer store device.token update.offer --key server.pem --json
say verify --root vendor.pub.pem update.offer --base hello.old
say verify --root vendor.pub.pem update.offer --base hello.old --image hello.new --json
say verify --root vendor.pub.pem store/v2.release --image hello.new
say verify --root vendor.pub.pem store/v2.release --image hello.old
say verify --root mallory.pub.pem update.offer --base hello.old --json
say verify --root vendor.pub.pem update.offer
say verify --root vendor.pub.pem update.offer --base hello.new
say verify --root vendor.pub.pem update.offer hello.old
say verify hello.old update.offer --base hello.old
head -c 340 update.offer > cut.offer
say verify --root vendor.pub.pem cut.offer --base hello.old
# Where the base is not known: a full image.
printf 'something else' > unknown.old
token unknown.token unknown.old 01000000
say offer store unknown.token full.offer --key server.pem
say verify --root vendor.pub.pem full.offer
# Nothing newer, nothing for it, the wrong server.
token new.token hello.new 01020003
say offer store new.token x --key server.pem
mkdir nothing
say offer nothing device.token x --key server.pem
say offer missing device.token x --key server.pem
say offer store device.token x --key mallory.pem
say offer store device.token x --key x25519.pem
say offer store hello.old x --key server.pem
say offer store device.token x
say offer store device.token --key server.pem
mkdir lost
cp store/v2.release lost
say offer lost device.token x --key server.pem
[[ ! -e x ]] || fail "an offer that could not be made"

# Statements: epoch 2 revokes the server's key of epoch 1; a new root key comes in order.
say statement 1.statement --key vendor.pem --sequence 1 --server-epoch 1
say statement 2.statement --key vendor.pem --sequence 2 --server-epoch 1 --new-root alice.pub.pem --json
expect 0 statement 3.statement --key alice.pem --sequence 3 --server-epoch 2 -q
say inspect 2.statement
say offer store device.token with.offer --key server.pem --statement 1.statement -q
say inspect with.offer
say verify --root vendor.pub.pem with.offer --base hello.old
say verify --root alice.pub.pem with.offer --base hello.old
say verify --root vendor.pub.pem update.offer --base hello.old --statement 1.statement
say verify --root vendor.pub.pem update.offer --base hello.old --statement 1.statement --statement 2.statement
say verify --root vendor.pub.pem update.offer --base hello.old --statement 3.statement
say offer store device.token x --key server.pem --statement 1.statement --statement 2.statement --statement 3.statement
say offer store device.token x --key server.pem --statement 2.statement --statement 1.statement
say offer store device.token x --key server.pem --statement update.offer
say statement x --key vendor.pem
say statement x --key vendor.pem --sequence 0
[[ ! -e x ]] || fail "a statement or an offer that could not be made"

# Encrypted, for each kind of key; and devices that take no others.
printf 'a0%.0s' {1..32} > shared.hex
printf 'a%.0s' {1..32} > shared.raw
token encrypted.token hello.old 01000000 0e
say offer store encrypted.token x --key server.pem
for option in '--device-key x25519.pub.pem' '--device-key p256.pub.pem' '--shared-key shared.hex' '--shared-key shared.raw'; do
  say offer store encrypted.token encrypted.offer --key server.pem $option
  say verify --root vendor.pub.pem encrypted.offer --base hello.old
done
say offer store encrypted.token x --key server.pem --device-key alice.pub.pem
say offer store encrypted.token x --key server.pem --shared-key hello.old
say offer store encrypted.token x --key server.pem --shared-key shared.hex --device-key p256.pub.pem
token plain.token hello.old 01000000 01
say offer store plain.token x --key server.pem --shared-key shared.hex
token zstd.token hello.old 01000000 01 0002
say offer store zstd.token x --key server.pem

# Broadcasts.
say offer store all.offer --broadcast --base hello.old
say inspect all.offer
say verify --root vendor.pub.pem all.offer --base hello.old
say verify --root vendor.pub.pem all.offer
say offer store all.offer --broadcast --application 1 --hardware 7 --ram 2K --arch thumb
say verify --root vendor.pub.pem all.offer
# What follows a vendor-only manifest may be anything: a delta of another image, one that no device decodes, none at all.
{ cat store/v1.release; tail -c +197 all.offer; } > other.offer
say verify --root vendor.pub.pem other.offer
expect 0 diff hello.old hello.new zstd.mote --codec zstd -q
cat store/v2.release zstd.mote > zstd.offer
say verify --root vendor.pub.pem zstd.offer --base hello.old
cat store/v2.release hello.new > no.offer
say verify --root vendor.pub.pem no.offer --base hello.old
say inspect no.offer
say offer store x --broadcast
say offer store x --broadcast --base hello.old --key server.pem
say offer store device.token x --broadcast
say offer store x --broadcast --base hello.old --arch arm
say offer store device.token x --key server.pem --base hello.old

# ---- Hostile files: cut at every byte, damaged at every byte; nothing but the documented exit codes.
for file in store/v2.release with.offer 2.statement device.token alice.ok; do
  size=$(stat -c %s $file)
  for ((i = 0; i < size; i += 3)); do
    head -c $i $file > damaged
    mote inspect damaged
    ((status == 3 || status == 6 || (status == 0 && i > 80))) || fail "$file cut at $i: exit code $status"
    { head -c $i $file; printf '\xff'; tail -c +$((i + 2)) $file; } > damaged
    mote inspect damaged
    ((status == 0 || status == 3 || status == 6)) || fail "$file with FF at $i: exit code $status"
  done
done
say inspect hello.mote
say inspect empty
say inspect missing
