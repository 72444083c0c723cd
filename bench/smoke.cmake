# SPDX-License-Identifier: Apache-2.0
# Runs mote-bench over the smallest committed pair: every delta must verify, the reports must be well-formed, and a program that
# rebuilds the wrong image must be found out. Called by CTest with MOTE_BENCH, PAIRS and SCRATCH.
cmake_minimum_required(VERSION 3.22)

file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})

set(smallest "")
set(least 999999999)
file(GLOB images ${PAIRS}/*/new.bin)
foreach(image IN LISTS images)
  file(SIZE ${image} size)
  if(size LESS least)
    set(least ${size})
    get_filename_component(smallest ${image} DIRECTORY)
  endif()
endforeach()
if(smallest STREQUAL "")
  message(FATAL_ERROR "there is no NAME/new.bin in ${PAIRS}")
endif()
get_filename_component(name ${smallest} NAME)
set(run ${MOTE_BENCH} --quiet --corpus ${PAIRS} --pair ${name})

# run(EXPECTED ARGUMENT...): the exit code must be EXPECTED; `output` is what was printed.
macro(expect code)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT result EQUAL ${code})
    message(FATAL_ERROR "exit code ${result} instead of ${code} from: ${ARGN}\n${output}${errors}")
  endif()
endmacro()

# 1. The real run. A small reference: a made-up tool, one against which a promise is missed and one against which it is kept.
file(WRITE ${SCRATCH}/reference.json [[{"]] ${name} [[": {"low": 900, "best": 800,
  "all": {"made up": 1000, "HPatchLite tuz 1k": 1, "UpKit": 99999}}, "other": {"all": {"x": 1}}}]])
expect(0 ${run} --json ${SCRATCH}/out.json --plot ${SCRATCH}/out.svg --markdown ${SCRATCH}/out.md
  --reference ${SCRATCH}/reference.json --details --jobs 2)
message("${output}")

# 2. Every delta is there and verified, sizes make sense, the reference was used.
file(READ ${SCRATCH}/out.json json)
string(JSON failures GET "${json}" failures)
string(JSON contenders LENGTH "${json}" contenders)
string(JSON pairs LENGTH "${json}" pairs)
string(JSON deltas LENGTH "${json}" pairs 0 deltas)
if(NOT failures EQUAL 0 OR NOT pairs EQUAL 1 OR contenders LESS 7 OR NOT deltas EQUAL contenders)
  message(FATAL_ERROR "failures ${failures}, pairs ${pairs}, contenders ${contenders}, deltas ${deltas}")
endif()
math(EXPR last "${contenders} - 1")
foreach(i RANGE ${last})
  string(JSON contender GET "${json}" contenders ${i} name)
  string(JSON ours GET "${json}" contenders ${i} ours)
  string(JSON verified GET "${json}" pairs 0 deltas ${contender} verified)
  string(JSON size GET "${json}" pairs 0 deltas ${contender} size)
  if(NOT verified OR size LESS 1)
    message(FATAL_ERROR "${contender}: verified ${verified}, ${size} bytes")
  endif()
  if(ours)
    string(JSON reference_pairs GET "${json}" reference geomeans ${contender} "made up" pairs)
    if(NOT reference_pairs EQUAL 1)
      message(FATAL_ERROR "${contender}: the reference was not used")
    endif()
  endif()
endforeach()

string(JSON promises LENGTH "${json}" promises)
string(JSON missed GET "${json}" promises 3 kept)
string(JSON kept GET "${json}" promises 4 kept)
string(JSON largest GET "${json}" largest_pair name)
if(NOT promises EQUAL 5 OR missed OR NOT kept OR NOT largest STREQUAL name)
  message(FATAL_ERROR "promises ${promises}, kept ${missed} and ${kept} instead of no and yes, largest pair ${largest}")
endif()

# 3. The picture and the Markdown.
find_program(XMLLINT xmllint)
if(XMLLINT)
  expect(0 ${XMLLINT} --noout ${SCRATCH}/out.svg)
endif()
file(READ ${SCRATCH}/out.svg svg)
file(READ ${SCRATCH}/out.md markdown)
if(NOT svg MATCHES "^<svg .*</svg>\n$" OR NOT svg MATCHES "${name}" OR svg MATCHES "nan|inf,")
  message(FATAL_ERROR "the picture is not whole: ${SCRATCH}/out.svg")
endif()
if(NOT markdown MATCHES "\n## Sizes\n" OR NOT markdown MATCHES "out.svg" OR NOT markdown MATCHES "made up"
    OR NOT markdown MATCHES "MISSED" OR NOT markdown MATCHES "\n## Pairs against")
  message(FATAL_ERROR "the Markdown is not whole: ${SCRATCH}/out.md")
endif()

# 4. A bspatch that hands back the old image: the table says FAILED, the exit code 1.
file(MAKE_DIRECTORY ${SCRATCH}/bin)
file(WRITE ${SCRATCH}/bin/bsdiff "#!/bin/sh\ncp \"$2\" \"$3\"\n")
file(WRITE ${SCRATCH}/bin/bspatch "#!/bin/sh\ncp \"$1\" \"$2\"\n")
file(CHMOD ${SCRATCH}/bin/bsdiff ${SCRATCH}/bin/bspatch
  PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
expect(1 ${CMAKE_COMMAND} -E env "PATH=${SCRATCH}/bin:$ENV{PATH}" ${run} --codecs none --tools bsdiff)
if(NOT output MATCHES "FAILED: bsdiff on ${name}: the rebuilt image")
  message(FATAL_ERROR "a wrong image was not found out:\n${output}")
endif()

# 5. Updates in place, over the committed Cortex-M pairs.
file(WRITE ${SCRATCH}/in-place.json [[{"logger-cm4-addfn": {"all": {"detools in-place x": 1000, "HPatchLite in-place x": 1}}}]])
expect(0 ${MOTE_BENCH} --quiet --in-place --corpus ${PAIRS} --reference ${SCRATCH}/in-place.json --markdown ${SCRATCH}/in-place.md)
file(READ ${SCRATCH}/in-place.md markdown)
if(NOT markdown MATCHES "\n\\| logger-cm4-addfn \\|[^\n]*\\| 1,000 \\| 1 \\|\n" OR NOT markdown MATCHES "\\| kept \\|"
    OR NOT markdown MATCHES "\\| HPatchLite in-place x \\|" OR markdown MATCHES "FAILED:|rv32")
  message(FATAL_ERROR "the table of updates in place is not whole: ${SCRATCH}/in-place.md")
endif()
expect(2 ${MOTE_BENCH} --quiet --in-place --corpus ${PAIRS} --pair logger-rv32-constfix)

# 6. A command line that makes no sense.
expect(2 ${run} --codecs no-such-codec)
expect(2 ${MOTE_BENCH} --quiet --corpus ${PAIRS} --pair no-such-pair)
expect(2 ${MOTE_BENCH} --no-such-option)
expect(2 ${run} --in-place --codecs lzss)
