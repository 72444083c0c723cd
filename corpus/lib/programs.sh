# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# The programs of firmware/ and the boards they are built for. Sourced by corpus/build.

# use_target NAME: sets BOARD (macro), MACHINE (compiler flags), START, LINK (file names without suffix), RAM, RAM_SIZE
use_target() {
  case $1 in
    cm0)
      BOARD=BOARD_CM0 START=cortex_m LINK=cortex_m RAM=0x20000000 RAM_SIZE=0x24000
      MACHINE="-mcpu=cortex-m0plus -mthumb"
      ;;
    cm4)
      BOARD=BOARD_CM4 START=cortex_m LINK=cortex_m RAM=0x20000000 RAM_SIZE=0x20000
      MACHINE="-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16"
      ;;
    rv32)
      BOARD=BOARD_RV32 START=riscv LINK=riscv RAM=0x80000000 RAM_SIZE=0x20000
      MACHINE="-march=rv32imac -mabi=ilp32 -mcmodel=medlow"
      ;;
    lx106)
      BOARD=BOARD_LX106 START=xtensa LINK=xtensa RAM=0x3ffe8000 RAM_SIZE=0x14000
      MACHINE="-mlongcalls"
      ;;
    *) warn "no target is called $1"; return 1 ;;
  esac
}

# use_program NAME, with the array SOURCES (package -> unpacked directory): sets MAIN (the program's own file),
# LIBRARY (files of the library, in link order), LIBRARY_FLAGS, LIBC (own or picolibc)
use_program() {
  local dir file
  LIBC=own LIBRARY=()
  case $1 in
    logger)
      dir=${SOURCES[zlib]}
      MAIN=logger/logger.c
      for file in adler32 deflate inffast inflate inftrees trees zutil; do LIBRARY+=("$dir/$file.c"); done
      LIBRARY_FLAGS="-DZ_SOLO -DNO_GZIP -DMAX_WBITS=12 -DMAX_MEM_LEVEL=4 -I$dir"
      ;;
    lock)
      dir=${SOURCES[mbedtls]}
      MAIN=lock/lock.c
      for file in aes asn1parse asn1write bignum bignum_core bignum_mod bignum_mod_raw block_cipher ccm cipher \
        cipher_wrap constant_time ecdsa ecp ecp_curves hmac_drbg md platform platform_util sha256; do
        if [ -f "$dir/library/$file.c" ]; then LIBRARY+=("$dir/library/$file.c"); fi # 2.28 has fewer files
      done
      LIBRARY_FLAGS="-DMBEDTLS_CONFIG_FILE=<mbedtls_config.h> -I$FIRMWARE/lock -I$dir/include -I$dir/library"
      ;;
    node)
      dir=${SOURCES[lwip]}/src
      MAIN=node/node.c
      for file in "$dir"/core/*.c "$dir"/core/ipv4/*.c "$dir"/netif/ethernet.c "$dir"/apps/http/{fs,httpd}.c \
        "$dir"/apps/mqtt/mqtt.c "$dir"/apps/sntp/sntp.c; do
        LIBRARY+=("$file")
      done
      LIBRARY_FLAGS="-I$FIRMWARE/node -I$dir/include"
      ;;
    controller)
      dir=${SOURCES[lua5.4]}/src
      MAIN=controller/controller.c LIBC=picolibc
      for file in lapi lauxlib lbaselib lcode lcorolib lctype ldebug ldo ldump lfunc lgc llex lmathlib lmem lobject \
        lopcodes lparser lstate lstring lstrlib ltable ltablib ltm lundump lutf8lib lvm lzio; do
        LIBRARY+=("$dir/$file.c")
      done
      LIBRARY_FLAGS="-DLUA_32BITS=1 -I$FIRMWARE/controller -I$dir"
      ;;
    *) warn "no program is called $1"; return 1 ;;
  esac
}
