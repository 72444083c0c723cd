# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2086,SC2153
# One image from its recipe in the manifest: either a file of a binary package or a program linked for a board.
# Sourced by corpus/build.

digest() { sha256sum | cut -c 1-16; }

# inputs_digest RECIPE: of everything else an image depends on: the files here and the compiler
inputs_digest() {
  {
    echo "$PRIVATE"
    jq -c --argjson recipe "$1" '.toolchains[$recipe.toolchain // "none"]' "$MANIFEST"
    cd "$CORPUS" && find firmware lib -type f | sort | xargs sha256sum
  } | digest
}

# make_image RECIPE (JSON): prints the path of the image, made now or before
make_image() {
  local recipe=$1 key dir
  key=$(echo "$recipe $(inputs_digest "$recipe")" | digest)
  dir=$WORK/image/$key
  if [ ! -f "$dir/image.bin" ]; then
    rm -rf "$dir"
    mkdir -p "$dir"
    if [ "$(jq -r 'has("package")' <<<"$recipe")" = true ]; then
      extract_image "$recipe" "$dir" || return 1
    else
      link_image "$recipe" "$dir" || return 1
    fi
  fi
  echo "$dir/image.bin"
}

extract_image() {
  local package version suite file
  read -r package version suite file < <(jq -r '"\(.package) \(.version) \(.suite) \(.file)"' <<<"$1")
  fetch_package "$package" "$version" "$suite" "$2/unpacked" || return 1
  cp "$2/unpacked/$file" "$2/image.part" || { warn "$package $version has no $file"; return 1; }
  mv "$2/image.part" "$2/image.bin"
  rm -rf "$2/unpacked"
}

# compile_all DIRECTORY FLAGS FILE...: one object a file, named after its folder and itself
compile_all() {
  local dir=$1 flags=$2 file
  shift 2
  mkdir -p "$dir"
  for file in "$@"; do
    printf '%s -c %s -o %s/%s_%s.o\0' "${TOOL}gcc $flags" "$file" "$dir" "$(basename "$(dirname "$file")")" \
      "$(basename "$file" .c)"
  done | xargs -0 -P "$JOBS" -I {} sh -c 'set -f; exec $1' sh {} 2>"$dir/log" ||
    { warn "does not compile:"; head -n 20 "$dir/log" >&2; return 1; }
}

objects_of() {
  local dir=$1 file
  shift
  for file in "$@"; do echo "$dir/$(basename "$(dirname "$file")")_$(basename "$file" .c).o"; done
}

link_image() {
  local recipe=$1 dir=$2 program target toolchain base optimise package version define source_dir
  local -A SOURCES=()
  read -r program target toolchain base optimise < <(
    jq -r '"\(.program) \(.target) \(.toolchain) \(.base) \(.optimise // "-Os")"' <<<"$recipe")
  while read -r package version; do
    source_dir=$(fetch_source "$package" "$version") || return 1
    SOURCES[$package]=$source_dir
  done < <(jq -r '.sources | to_entries[] | "\(.key) \(.value)"' <<<"$recipe")
  use_toolchain "$toolchain" || return 1
  use_target "$target" || return 1
  use_program "$program" || return 1
  say "$program for $target with $toolchain $optimise $(jq -r '.defines // [] | join(" ")' <<<"$recipe")"

  # The compiler's own headers, then the C library's; never the machine's. Paths do not reach the image.
  local flags libc_headers=$FIRMWARE/libc/include libc_files=() libc_archive='' multilib
  if [ $LIBC = picolibc ]; then
    local picolibc
    picolibc=$TOOL_ROOT/usr/lib/picolibc/$(basename "${TOOL%-}")
    multilib=$("${TOOL}gcc" $MACHINE -print-multi-directory)
    libc_headers=$picolibc/include
    libc_archive="-L$picolibc/lib/$multilib -lm -lc"
  else
    libc_files=("$FIRMWARE"/libc/*.c)
  fi
  flags="$MACHINE $optimise -g0 -std=gnu11 -w -fno-common -ffunction-sections -fdata-sections"
  flags+=" -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables -nostdinc"
  flags+=" -isystem $libc_headers -isystem $("${TOOL}gcc" -print-file-name=include) -I$FIRMWARE -D$BOARD"
  if [ $LIBC = picolibc ]; then flags+=" -isystem $("${TOOL}gcc" -print-file-name=include-fixed)"; fi # limits.h
  for package in "${!SOURCES[@]}"; do flags+=" -ffile-prefix-map=${SOURCES[$package]}=$package"; done
  flags+=" -ffile-prefix-map=$FIRMWARE=firmware"

  # The library is compiled once for all the images that share it.
  local library objects board
  library=$WORK/object/$(jq -c '[.program, .target, .toolchain, .optimise, .sources]' <<<"$recipe" |
    cat - <(inputs_digest "$recipe") | digest)
  board=("$FIRMWARE/board.c" "$FIRMWARE/start/$START.c" "${libc_files[@]}")
  if [ ! -f "$library/ready" ]; then
    rm -rf "$library"
    compile_all "$library" "$flags $LIBRARY_FLAGS" "${LIBRARY[@]}" || return 1
    compile_all "$library/board" "$flags" "${board[@]}" || return 1
    touch "$library/ready"
  fi
  while IFS= read -r define; do flags+=" -D$define"; done < <(jq -r '.defines // [] | .[]' <<<"$recipe")
  compile_all "$dir" "$flags $LIBRARY_FLAGS" "$FIRMWARE/$MAIN" || return 1

  # The program's own code lies in the middle of its library, so that a change in it moves what comes after.
  local half=$((${#LIBRARY[@]} / 2))
  mapfile -t objects < <(objects_of "$library/board" "${board[@]:0:2}"
    objects_of "$library" "${LIBRARY[@]:0:half}"
    objects_of "$dir" "$FIRMWARE/$MAIN"
    objects_of "$library" "${LIBRARY[@]:half}"
    objects_of "$library/board" "${board[@]:2}")
  "${TOOL}gcc" $MACHINE -nostdlib -static -Wl,--gc-sections -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
    -Wl,--defsym=FW_BASE="$base" -Wl,--defsym=FW_RAM=$RAM -Wl,--defsym=FW_RAM_SIZE=$RAM_SIZE \
    -T "$FIRMWARE/link/$LINK.ld" -o "$dir/image.elf" "${objects[@]}" $libc_archive -lgcc 2>"$dir/link.log" ||
    { warn "does not link:"; head -n 20 "$dir/link.log" >&2; return 1; }
  "${TOOL}objcopy" -O binary "$dir/image.elf" "$dir/image.part" && mv "$dir/image.part" "$dir/image.bin"
}
