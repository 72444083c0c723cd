# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A micro:bit in QEMU, for scripts that source this. Its flash is a file of 256 KiB that outlives it.
#
#   emulator_start DIR FLASH   power on with the flash's content in FLASH. DIR is for its sockets: DIR/serial is the serial line,
#                              DIR/console what came out of it
#                              (with emulator_fast=1: as fast as the host can, not at the pace of the part)
#   emulator_start DIR FLASH ADDRESS
#                              the same, as fast as the host can, and the machine stops each time before it writes the word
#                              at ADDRESS
#   emulator_stopped SECONDS   waits so long for the machine to stop; fails when it did not
#   emulator_go                lets it go on
#   emulator_pass DIR N TEXT [TIMES]
#                              lets it go on N times, until it has stopped once more; fails when it has printed TEXT so often before
#                              that, or when nothing happens for 10 s
#   emulator_step N            lets it execute N instructions, from where it has stopped; it will not stop by itself any more
#   emulator_cut FLASH         power off at this very instruction; FLASH is what the flash holds then
#   emulator_stop              power off, and forget the flash
#   emulator_console DIR       what the device printed since it was powered on, without the frames of an update
#
# One emulator at a time. The content is not loaded as QEMU loads images, which it would put back at every reset, but programmed through
# the part's own flash controller, as a probe does it: then a reset finds what the device made of it, as on the part. RAM is lost only by
# powering off.

emulator=''  # its process
emulator_watched=''
emulator_fast=''

# Sends a line to the pipe $1 and prints the answer: of QMP, the one that is no event.
emulator_ask() {
  local line
  echo "$2" >&"${emulator_in[$1]}"
  while read -t 20 -r line <&"${emulator_out[$1]}"; do
    case $line in
      OK* | *'"return"'*) echo "$line"; return 0 ;;
      FAIL* | ERR* | *'"error"'*) echo "emulator: $2: $line" >&2; return 1 ;;
    esac
  done
  echo "emulator: no answer to ${2:0:80}" >&2
  return 1
}
declare -A emulator_in emulator_out emulator_packets

# Sends a command of GDB's remote protocol.
emulator_send() {
  local i code sum=0
  if [[ -z ${emulator_packets[$1]:-} ]]; then
    for ((i = 0; i < ${#1}; ++i)); do
      printf -v code %d "'${1:i:1}"
      sum=$(((sum + code) & 255))
    done
    printf -v "emulator_packets[$1]" '+$%s#%02x' "$1" "$sum"
  fi
  printf %s "${emulator_packets[$1]}" >&"${emulator_in[gdb]}"
}
emulator_stopped() {
  local reply check
  read -t "$1" -r -d '#' reply <&"${emulator_out[gdb]}" && read -t 5 -r -N 2 check <&"${emulator_out[gdb]}"
}
emulator_gdb() { emulator_send "$1" && emulator_stopped 20; }
# A watchpoint stops before the access; the same would stop there for ever.
emulator_go() { emulator_gdb "z2,$emulator_watched" && emulator_gdb s && emulator_gdb "Z2,$emulator_watched" && emulator_send c; }
emulator_pass() {
  local stops=0 waits=0
  while ((waits < 500)); do
    if emulator_stopped 0.02; then
      ((stops++ < $2)) || return 0
      emulator_go || return
      waits=0
    else
      waits=$((waits + 1))
      (($(emulator_console "$1" | grep -cF "$3") < ${4:-1})) || return 1
    fi
  done
  return 1
}
emulator_step() {
  local i
  emulator_gdb "z2,$emulator_watched" || return
  for ((i = 0; i < $1; ++i)); do emulator_gdb s || return; done
}

emulator_start() {
  local dir=$1 flash=$2 watched=${3:-} pipe pace=shift=6,align=on pipes=(qtest qmp) more=()
  [[ -z $watched ]] || { pace=shift=6,sleep=off pipes+=(gdb) more=(-gdb pipe:gdb); }
  [[ -z $emulator_fast ]] || pace=shift=6,sleep=off
  mkdir -p "$dir"
  rm -f "$dir"/{serial,console,errors}
  for pipe in "${pipes[@]}"; do
    rm -f "$dir/$pipe".{in,out}
    mkfifo "$dir/$pipe".{in,out}
    exec {emulator_in[$pipe]}<> "$dir/$pipe.in" {emulator_out[$pipe]}<> "$dir/$pipe.out"
  done
  # Relative: the path of a socket may have 107 bytes only.
  (cd "$dir" && exec qemu-system-arm -M microbit -icount "$pace" -S -display none -monitor none -qtest pipe:qtest -qtest-log none -qmp pipe:qmp \
    -chardev socket,id=serial,path=serial,server=on,wait=off,logfile=console -serial chardev:serial "${more[@]}") \
    > "$dir/errors" 2>&1 {emulator_in[qtest]}>&- {emulator_out[qtest]}>&- {emulator_in[qmp]}>&- {emulator_out[qmp]}>&- &
  emulator=$!
  local nvmc=0x4001e504  # CONFIG: 0 read, 1 write, 2 erase; ERASEALL is 8 bytes on
  {
    emulator_ask qmp '{"execute": "qmp_capabilities"}' &&
      emulator_ask qtest "writel $nvmc 2" && emulator_ask qtest 'writel 0x4001e50c 1' &&
      emulator_ask qtest "writel $nvmc 1" &&
      emulator_ask qtest "write 0 0x40000 0x$(od -An -v -tx1 "$flash" | tr -d ' \n')" &&
      emulator_ask qtest "writel $nvmc 0" &&
      emulator_ask qmp '{"execute": "system_reset"}' &&
      if [[ -n $watched ]]; then
        printf -v emulator_watched %x,4 "$watched" && emulator_gdb "Z2,$emulator_watched" && emulator_send c
      else
        emulator_ask qmp '{"execute": "cont"}'
      fi
  } > /dev/null || { cat "$dir/errors" >&2; emulator_stop; return 1; }
}

emulator_cut() {
  local flash
  flash=$(realpath "$1")
  local result=0 save="{\"execute\": \"memsave\", \"arguments\": {\"val\": 0, \"size\": 262144, \"filename\": \"$flash\"}}"
  { emulator_ask qmp '{"execute": "stop"}' && emulator_ask qmp "$save"; } > /dev/null || result=1
  emulator_stop
  return $result
}

emulator_stop() {
  local pipe
  [[ -n $emulator ]] || return 0
  kill -KILL "$emulator" 2> /dev/null || true
  wait "$emulator" 2> /dev/null || true
  emulator=''
  for pipe in "${!emulator_in[@]}"; do
    exec {emulator_in[$pipe]}>&- {emulator_out[$pipe]}>&-
  done
  emulator_in=() emulator_out=()
  return 0
}

# Frames go from STX to ETX, and hold neither of them; lines end in CR LF, of which frames hold none either.
emulator_console() { LC_ALL=C sed -e 's/\x02[^\x03]*\x03//g' -e 's/\r$//' "$1/console"; }
