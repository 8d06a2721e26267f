# ModelcGuest.cmake - programs for aarch64-linux beside the build for this
# machine, to be run by qemu-aarch64.
#
#   modelc_add_guest_objects(NAME SOURCES s... [FLAGS f...])
#                                   compiles; sets NAME_OBJECTS
#   modelc_add_guest_program(NAME SOURCES s... [OBJECTS o...] [FLAGS f...])
#                                   a static program, built with the target
#                                   NAME; its path is in NAME_PROGRAM
#   modelc_add_guest_tests(PREFIX PROGRAM LABEL CASE...)
#                                   PREFIX/CASE runs PROGRAM CASE
#
# MODELC_HAS_GUEST tells whether clang, Debian's cross libraries and qemu-user
# are here. Without them nothing is built, and the tests are skipped.

include(ModelcCrossLibraries)
find_program(MODELC_GUEST_CXX clang++-22)
find_program(MODELC_QEMU_AARCH64 qemu-aarch64)
set(MODELC_HAS_GUEST FALSE)
if(MODELC_GUEST_CXX AND MODELC_QEMU_AARCH64 AND MODELC_HAS_CROSS_LIBRARIES)
  set(MODELC_HAS_GUEST TRUE)
endif()

set(MODELC_GUEST_FLAGS --target=aarch64-linux-gnu -std=c++20 -O2 -fPIC
  -fno-exceptions -fno-rtti -fvisibility=hidden -ffp-contract=off
  -Wall -Wextra -Werror "-I${PROJECT_SOURCE_DIR}")

function(modelc_add_guest_objects name)
  cmake_parse_arguments(ARG "" "" "SOURCES;FLAGS" ${ARGN})
  set(objects)
  foreach(source IN LISTS ARG_SOURCES)
    set(object "${CMAKE_CURRENT_BINARY_DIR}/${name}/${source}.o")
    get_filename_component(folder "${object}" DIRECTORY)
    file(MAKE_DIRECTORY "${folder}")
    add_custom_command(OUTPUT "${object}"
      COMMAND ${MODELC_CCACHE} "${MODELC_GUEST_CXX}" ${MODELC_GUEST_FLAGS}
              ${ARG_FLAGS} -MD -MF "${object}.d" -c
              "${CMAKE_CURRENT_SOURCE_DIR}/${source}" -o "${object}"
      DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${source}"
      DEPFILE "${object}.d" VERBATIM
      COMMENT "Building guest object ${name}/${source}.o")
    list(APPEND objects "${object}")
  endforeach()
  set(${name}_OBJECTS ${objects} PARENT_SCOPE)
endfunction()

function(modelc_add_guest_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;OBJECTS;FLAGS" ${ARGN})
  set(program "${CMAKE_CURRENT_BINARY_DIR}/${name}.aarch64")
  set(${name}_PROGRAM "${program}" PARENT_SCOPE)
  if(NOT MODELC_HAS_GUEST)
    return()
  endif()
  modelc_add_guest_objects(${name} SOURCES ${ARG_SOURCES} FLAGS ${ARG_FLAGS})
  add_custom_command(OUTPUT "${program}"
    COMMAND "${MODELC_GUEST_CXX}" --target=aarch64-linux-gnu -fuse-ld=lld
            -static ${${name}_OBJECTS} ${ARG_OBJECTS} -o "${program}"
    DEPENDS ${${name}_OBJECTS} ${ARG_OBJECTS} VERBATIM
    COMMENT "Linking guest program ${name}")
  add_custom_target(${name} ALL DEPENDS "${program}")
endfunction()

function(modelc_add_guest_tests prefix program label)
  foreach(case IN LISTS ARGN)
    if(MODELC_HAS_GUEST)
      add_test(NAME "${prefix}/${case}"
        COMMAND "${MODELC_QEMU_AARCH64}" "${program}" ${case})
    else()
      add_test(NAME "${prefix}/${case}" COMMAND sh -c
        "echo 'UNSUPPORTED: no cross libraries or no qemu-aarch64' && exit 77")
    endif()
    set_tests_properties("${prefix}/${case}" PROPERTIES
      LABELS "${label}" SKIP_RETURN_CODE 77)
  endforeach()
endfunction()
