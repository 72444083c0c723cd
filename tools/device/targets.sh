# SPDX-License-Identifier: Apache-2.0
# The devices that mote is compiled for, and how; sourced by tools/footprint and by the tests in tests/device/.
#
#   select_target cortex-m0        sets prefix, cxx, cc: the compilers with their flags
#   link_profile DIR lzss          what a firmware takes of mote: DIR/lzss.elf, DIR/lzss.map, and the objects in DIR by room
#   profile_flags lzss             which parts of mote that is (patch/config.h), as words for the compiler
#
# Flags. `demanded` is what mote asks of a firmware's build; the CMake target mote::device has the same. `chosen` is for size:
# -Os, and sections that let the linker drop what the firmware does not call. -fno-jump-tables is there only where it wins: on
# Cortex-M0, RV32 and LX106 a table costs more than the compares that it replaces, and on M0 it needs a helper from libgcc;
# Cortex-M3, M4 and M33 have a table branch instruction and keep their tables.

demanded=(-ffreestanding -fno-exceptions)
demanded_cxx=(-std=c++17 -fno-rtti -fno-threadsafe-statics)
chosen=(-Os -ffunction-sections -fdata-sections)
device_targets=(cortex-m0 cortex-m3 cortex-m4 cortex-m33 rv32imac lx106)

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bearssl=$repository/build/bearssl

# Every device source that needs no library.
device_sources() { (cd "$repository" && ls lzss/decoder.cpp patch/*.cpp stream/*.cpp agent/*.cpp); }

# Those that an update takes: all but the slots and the boot decision.
update_sources() { device_sources | grep -v '^agent/'; }

device_profiles() {
  echo lzss model model-small model+checkpoint all
  [[ ! -f $bearssl/src/hash/sha2small.c ]] || echo lzss+sha256
  [[ ! -f $repository/stream/mote_c.cpp ]] || echo c-api
}

# With signatures, by crypto/ and BearSSL: see tools/footprint.
trust_profiles() { [[ ! -f $bearssl/src/hash/sha2small.c ]] || echo boot boot+install boot+in-place agent agent+all; }

# The model profiles predict the target's own instructions; `all` has every codec and instruction set.
profile_flags() {
  local one="-DMOTE_WITH_RAW=0 -DMOTE_WITH_LZSS=0 -DMOTE_ONE_ARCHITECTURE=1 -DMOTE_WITH_$architecture=1"
  case $1 in
    model) echo "$one" ;;
    model-small) echo "$one -DMOTE_SMALL_MODEL=1" ;;
    model+checkpoint) echo "$one -DMOTE_WITH_CHECKPOINT=1" ;;
    all) ;;
    boot | agent) echo "$one -DMOTE_WITH_TRUST=1 -DMOTE_WITH_INSTALL=0 -DMOTE_WITH_ENCRYPTION=0 -DMOTE_WITH_STATEMENTS=0" ;;
    boot+install) echo "$one -DMOTE_WITH_TRUST=1" ;;
    boot+in-place) echo "$one -DMOTE_WITH_TRUST=1 -DMOTE_WITH_CHECKPOINT=1 -DMOTE_WITH_IN_PLACE=1" ;;
    agent+all) echo "$one -DMOTE_WITH_TRUST=1 -DMOTE_WITH_CHECKPOINT=1" ;;
    *) echo -DMOTE_WITH_MODEL=0 ;;
  esac
}

# Fails when the compiler is not installed.
select_target() {
  local machine
  architecture=THUMB  # as in patch/config.h
  with_libc=()     # flags for what includes the C library's headers
  link_libc=()     # and for linking it
  link_sources=()  # or what stands in for it
  case $1 in
    cortex-m0)
      prefix=arm-none-eabi- machine=(-mcpu=cortex-m0 -mthumb -fno-jump-tables) link_libc=(-lc_nano) ;;
    cortex-m3 | cortex-m4 | cortex-m33)
      prefix=arm-none-eabi- machine=(-mcpu="$1" -mthumb) link_libc=(-lc_nano) ;;
    rv32imac)
      prefix=riscv64-unknown-elf- architecture=RISCV machine=(-march=rv32imac -mabi=ilp32 -fno-jump-tables)
      with_libc=(--specs=picolibc.specs) link_libc=(--specs=picolibc.specs -lc) ;;
    lx106)  # the ESP8266's; Debian has no C library for it
      prefix=xtensa-lx106-elf- architecture=XTENSA machine=(-fno-jump-tables)
      with_libc=(-I"$repository/tools/device/libc") link_sources=(tools/device/libc/string.c) ;;
    *)
      echo "no such device target: $1 (there are: ${device_targets[*]})" >&2
      return 1 ;;
  esac
  if ! command -v "${prefix}g++" > /dev/null; then
    echo "${prefix}g++ is not installed; tools/setup installs it" >&2
    return 1
  fi
  local common=("${machine[@]}" "${demanded[@]}" "${chosen[@]}" -I"$repository")
  cxx=("${prefix}g++" "${common[@]}" "${demanded_cxx[@]}")
  cc=("${prefix}gcc" "${common[@]}" -std=c11)
  link=("${prefix}gcc" "${machine[@]}" -nostdlib -Wl,--gc-sections -Wl,--entry=Firmware)
}

# compile DIR SOURCE FLAG...: SOURCE, named from the repository's root, to DIR/SOURCE.o.
compile() {
  local out=$1/$2.o source=$repository/$2 compiler=("${cxx[@]}")
  [[ $2 != *.c ]] || compiler=("${cc[@]}")
  mkdir -p "$(dirname "$out")"
  "${compiler[@]}" "${@:3}" -c "$source" -o "$out"
}

# Sources without a library.
profile_sources() {
  case $1 in
    boot* | agent*) device_sources ;;
    *) update_sources ;;
  esac
}

# link_profile DIR PROFILE FLAG...: what the profile leaves out is switched off. FLAGs go to the compiler for mote's own sources. The profile's own object, the firmware that calls mote, is DIR/firmware/PROFILE.o.
link_profile() {
  local dir=$1 profile=$2 codecs firmware=firmware.cpp source objects=()
  read -ra codecs <<< "$(profile_flags "$profile")"
  local flags=("${codecs[@]}" "${@:3}")
  for source in $(profile_sources "$profile"); do
    compile "$dir" "$source" "${flags[@]}"
    objects+=("$dir/$source.o")
  done
  local firmware_flags=("${codecs[@]}")
  case $profile in
    c-api)
      firmware=firmware.c ;;
    lzss+sha256)
      firmware_flags+=(-DWITH_SHA256 -I"$bearssl/inc" "${with_libc[@]}")
      compile "$dir" crypto/sha256_bearssl.cpp "${flags[@]}" "${firmware_flags[@]}"
      objects+=("$dir/crypto/sha256_bearssl.cpp.o")
      # The functions that sha2small.c calls are one to a file, like everything in BearSSL.
      for source in hash/sha2small codec/dec32be codec/enc32be; do
        compile "$dir" "build/bearssl/src/$source.c" -I"$bearssl/inc" -I"$bearssl/src" "${with_libc[@]}"
        objects+=("$dir/build/bearssl/src/$source.c.o")
      done ;;
    boot* | agent*)
      firmware=${profile%%+*}.cpp
      firmware_flags+=(-I"$bearssl/inc" "${with_libc[@]}")
      for source in crypto/{cipher,sha256,signature}_bearssl.cpp; do
        compile "$dir" "$source" "${flags[@]}" "${firmware_flags[@]}"
        objects+=("$dir/$source.o")
      done
      for source in $(grep '\.c$' "$repository/crypto/bearssl_sources"); do
        compile "$dir" "build/bearssl/src/$source" "${@:3}" -I"$bearssl/inc" -I"$bearssl/src" "${with_libc[@]}" \
          -include "$repository/crypto/bearssl_config.h"
        objects+=("$dir/build/bearssl/src/$source.o")
      done ;;
  esac
  compile "$dir" "tools/device/$firmware" "${firmware_flags[@]}"
  mkdir -p "$dir/firmware"
  mv "$dir/tools/device/$firmware.o" "$dir/firmware/$profile.o"
  for source in "${link_sources[@]}"; do
    compile "$dir" "$source" "${with_libc[@]}"
    objects+=("$dir/$source.o")
  done
  "${link[@]}" "$dir/firmware/$profile.o" "${objects[@]}" "${link_libc[@]}" -lgcc \
    -Wl,-Map="$dir/$profile.map" -o "$dir/$profile.elf"
}
