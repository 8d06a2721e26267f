# ModelcLit.cmake - the lit tests, as ctest tests.
#
#   modelc_add_lit_tests()   one ctest test lit/FOLDER/NAME, labelled FOLDER,
#                            for each .mlir and .test file below this folder
#
# One process per file costs a fifth of a second and gives each file its own
# line, its own place in ctest's parallel run and its own word when what it
# needs is missing: lit's UNSUPPORTED becomes ctest's Skipped.

function(modelc_add_lit_tests)
  find_program(MODELC_LIT lit HINTS "${LLVM_TOOLS_BINARY_DIR}" NO_DEFAULT_PATH)
  if(NOT MODELC_LIT)
    message(FATAL_ERROR "lit is not in ${LLVM_TOOLS_BINARY_DIR}; "
                        "tools/dev/bootstrap.sh installs llvm-22-tools")
  endif()
  configure_file(lit.site.cfg.py.in lit.site.cfg.py @ONLY)
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS
    RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" *.mlir *.test)
  list(SORT tests)
  foreach(test IN LISTS tests)
    string(REGEX REPLACE "/.*" "" folder "${test}")
    add_test(NAME "lit/${test}"
      COMMAND Python3::Interpreter "${MODELC_LIT}" --show-all -v --workers=1
              "${CMAKE_CURRENT_BINARY_DIR}/${test}")
    set_tests_properties("lit/${test}" PROPERTIES
      LABELS "lit;${folder}" SKIP_REGULAR_EXPRESSION
      "UNSUPPORTED: modelc :: [^\n]* \\(1 of 1\\)")
  endforeach()
endfunction()
