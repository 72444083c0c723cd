# SPDX-License-Identifier: Apache-2.0
# mote push: its help and what it says when it cannot begin. tests/ports has the transport, and pushes to a device in QEMU.
say push --help
expect 0 push --help
awk 'length > 100 { long = 1 } END { exit NR > 45 || long }' "$out" || fail "the help of mote push does not fit a screen"

printf 'delta' > delta
say push
say push delta
say push missing --port /dev/null
say push delta --port nowhere
say push delta --port /dev/null
say push delta --port nowhere --baud 12345
say push delta --port localhost:1
say push delta --port nowhere --timeout 0
say push delta --port nowhere --console -1
