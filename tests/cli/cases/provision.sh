# SPDX-License-Identifier: Apache-2.0
# mote provision and mote token: help, what they refuse, and a page byte by byte as METADATA.md says.
say provision --help
say token --help
for command in provision token; do
  expect 0 $command --help
  awk 'length > 100 { long = 1 } END { exit NR > 45 || long }' "$out" || fail "the help of mote $command does not fit a screen"
done

head -c 5000 /dev/zero > image
for name in vendor server; do expect 0 keygen $name.pem --quiet; done
expect 0 sign image v1.release --key vendor.pem --server-key server.pub.pem --application 1 --hardware 2 --version 1.2.3 --counter 7 --quiet

layout=(--page-size 1K --program-unit 4)
say provision
say provision v1.release
say provision v1.release page --slot 0 "${layout[@]}"
say provision v1.release page --slots 2 --slot 2 "${layout[@]}"
say provision v1.release page --slots 5 --slot 0 "${layout[@]}"
say provision v1.release page --slots 2 --slot 0 --page-size 656 --program-unit 4
say provision v1.release page --slots 2 --slot 0 --page-size 1K --program-unit 64
say provision v1.release page --slots 2 --slot 0 "${layout[@]}" --pages 1
say provision v1.release v1.release --slots 2 --slot 0 "${layout[@]}"
say provision image page --slots 2 --slot 0 "${layout[@]}"
say provision v1.release page --slots 2 --slot 0 "${layout[@]}" --root server.pub.pem
[[ ! -e page ]] || fail "a page was written"
say token
say token out --port nowhere
[[ ! -e out ]] || fail "a token was written"

# at OFFSET SIZE: bytes of the page in hexadecimal digits.
at() { od -An -v -tx1 -j "$1" -N "$2" page | tr -d ' \n'; }
is() { [[ $(at "$1" $((${#2} / 2))) == "$2" ]] || fail "at $1 of the page is $(at "$1" $((${#2} / 2))), not $2"; }
for slot in 0 1; do
  expect 0 provision v1.release page --slots 2 --slot $slot "${layout[@]}" --root vendor.pub.pem --quiet
  [[ $(stat -c %s page) == 1024 ]] || fail "the page has $(stat -c %s page) bytes"
  is 0 6d744d4401028402   # magic, version, 2 slots, 644 bytes
  is 12 0001              # no installation; trust
  is 24 070000000000000000000000   # counter, server epoch, statements
  start=$((168 + 236 * slot))
  is $start 0400030088130000    # confirmed, digest and release known, 5000 bytes
  is $((start + 12)) "$(sha256sum image | cut -d' ' -f1)"
  is $((start + 44)) "$(tail -c +5 v1.release | od -An -v -tx1 | tr -d ' \n')"
  [[ $(at 660 364 | tr -d f) == '' ]] || fail "the rest of the page is not erased"
  is $((168 + 236 * (1 - slot))) 00000000
done
