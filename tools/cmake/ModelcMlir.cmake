# Finds LLVM, MLIR and Abseil, and defines how a compiler library is built:
#   modelc_add_compiler_library(NAME sources... LINK libs... DEPENDS tblgen...)
#   modelc_add_tablegen(TARGET -gen-... ) is MLIR's own mlir_tablegen.

find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
find_package(LLD REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/lld)
find_package(absl REQUIRED)
find_package(Threads REQUIRED)
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
# Where TableGen finds MLIR's and our own .td files.
include_directories(SYSTEM ${MLIR_INCLUDE_DIRS})
include_directories("${PROJECT_SOURCE_DIR}")

add_library(modelc_mlir INTERFACE)
# Generated code counts as a system header: its warnings are TableGen's.
target_include_directories(modelc_mlir SYSTEM INTERFACE
  ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS} ${LLD_INCLUDE_DIRS}
  "${PROJECT_BINARY_DIR}")
target_include_directories(modelc_mlir INTERFACE
  "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/runtime/include")
target_compile_definitions(modelc_mlir INTERFACE ${LLVM_DEFINITIONS_LIST})
# LLVM is built without RTTI and exceptions; so is what derives from it.
target_compile_options(modelc_mlir INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti> $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
target_link_libraries(modelc_mlir INTERFACE MLIR LLVM Threads::Threads)

# One precompiled header for all compiler libraries.
add_library(modelc_pch STATIC "${PROJECT_SOURCE_DIR}/compiler/support/Pch.cpp")
target_link_libraries(modelc_pch PRIVATE modelc_mlir modelc_warnings)
target_precompile_headers(modelc_pch PRIVATE
  "$<$<COMPILE_LANGUAGE:CXX>:${PROJECT_SOURCE_DIR}/compiler/support/Pch.h>")

function(modelc_add_compiler_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC modelc_mlir ${ARG_LINK}
                        PRIVATE modelc_warnings)
  target_precompile_headers(${name} REUSE_FROM modelc_pch)
  # Every library may include generated dialect headers of what it links.
  add_dependencies(${name} modelc_dialect_headers ${ARG_DEPENDS})
endfunction()
