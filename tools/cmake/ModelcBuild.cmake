# ModelcBuild.cmake - what every target of the project shares: language level,
# warnings, linker, ccache, sanitizers, fuzzing, the folder of the binaries.
#
#   modelc_add_subdirectories(NAME...)     adds each folder that has a
#                                          CMakeLists.txt, in the given order
#   modelc_add_fuzzer(NAME SOURCES s... LINK libs... [CORPUS dir])
#                                          a libFuzzer target and its short
#                                          run; nothing in other builds

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
# Installed tools find libLLVM and libMLIR where they were found here.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
include(GNUInstallDirs)

find_program(MODELC_CCACHE ccache)
if(MODELC_CCACHE)
  # A precompiled header changes with every build of it unless it carries no
  # time stamp; ccache then needs to be told that this is so.
  set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "${MODELC_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

add_link_options(-fuse-ld=lld -Wl,--gc-sections)

set(MODELC_SANITIZE "" CACHE STRING "Sanitizers for the whole build")
if(MODELC_SANITIZE)
  # LLVM comes without run-time type information, which vptr checks need.
  add_compile_options(-fsanitize=${MODELC_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize=vptr -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MODELC_SANITIZE} -fno-sanitize=vptr)
endif()

option(MODELC_BUILD_FUZZERS
       "Instrument everything for libFuzzer and build the fuzz targets" OFF)
set(MODELC_FUZZ_SECONDS 5 CACHE STRING "Length of one fuzz target's test run")
if(MODELC_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_custom_target(modelc_fuzzers)
endif()

# Our own code compiles without a single warning; headers of packages are
# system headers. Installed libraries link this as $<BUILD_INTERFACE:...>, so
# that none of it reaches their users.
add_library(modelc_warnings INTERFACE)
target_compile_options(modelc_warnings INTERFACE
  -Wall -Wextra -Werror -ffunction-sections -fdata-sections
  -ffp-contract=off)

function(modelc_add_subdirectories)
  foreach(name IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/CMakeLists.txt")
      add_subdirectory(${name})
    endif()
  endforeach()
endfunction()

function(modelc_add_fuzzer name)
  if(NOT MODELC_BUILD_FUZZERS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} modelc_warnings)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}"
    "${PROJECT_SOURCE_DIR}/runtime/include")
  target_compile_definitions(${name} PRIVATE
    MODELC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(modelc_fuzzers ${name})
  # What the run finds goes to the build folder; the corpus is only read.
  set(found "${CMAKE_CURRENT_BINARY_DIR}/${name}-found")
  file(MAKE_DIRECTORY "${found}")
  add_test(NAME fuzz/${name} WORKING_DIRECTORY "${found}"
    COMMAND ${name} -seed=1 -max_total_time=${MODELC_FUZZ_SECONDS}
            -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
            "${found}" ${ARG_CORPUS})
  # Debian's LLVM headers would mark memory that its libraries, built without
  # the sanitizer, then use. Here too, as ctest may be run without the preset.
  set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz
    ENVIRONMENT ASAN_OPTIONS=allow_user_poisoning=0)
endfunction()
