# ModelcAddPlan.cmake - compiles a model as part of a build.
#
#   modelc_add_plan(NAME
#     MODEL model.gguf      the source; of split files the first part
#     TARGET target         a name that `modelc targets` prints, or several,
#                           with commas between them
#     [OUTPUT file.mplan]   default: NAME.mplan in the current build folder
#     [UBATCH tokens]       tokens of one pass
#     [CACHE_TYPE type]     of keys and values: f16 or q8_0
#     [STRICT])             no weight may fall back to a slower layout
#
# Defines a target NAME, built by default, whose property MODELC_PLAN is the
# plan's absolute path:  $<TARGET_PROPERTY:NAME,MODELC_PLAN>. The plan is made
# again when a part of the model or the compiler changes, and only then.
#
# MODELC_COMPILER, a path, replaces the installed compiler: for builds whose
# package modelc belongs to another machine.

function(modelc_add_plan name)
  cmake_parse_arguments(ARG "STRICT" "MODEL;TARGET;OUTPUT;UBATCH;CACHE_TYPE"
    "" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR
      "modelc_add_plan(${name}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  foreach(required MODEL TARGET)
    if(NOT ARG_${required})
      message(FATAL_ERROR "modelc_add_plan(${name}): ${required} is missing")
    endif()
  endforeach()
  if(MODELC_COMPILER)
    set(compiler "${MODELC_COMPILER}")
  elseif(TARGET modelc::modelc)
    set(compiler modelc::modelc)
  else()
    message(FATAL_ERROR "modelc_add_plan(${name}): this package has no "
      "compiler; set MODELC_COMPILER to one")
  endif()
  if(NOT ARG_OUTPUT)
    set(ARG_OUTPUT "${name}.mplan")
  endif()

  get_filename_component(model "${ARG_MODEL}" ABSOLUTE)
  get_filename_component(plan "${ARG_OUTPUT}" ABSOLUTE
    BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}")
  set(options --target=${ARG_TARGET} --quiet)
  if(ARG_UBATCH)
    list(APPEND options --ubatch=${ARG_UBATCH})
  endif()
  if(ARG_CACHE_TYPE)
    list(APPEND options --cache-type=${ARG_CACHE_TYPE})
  endif()
  if(ARG_STRICT)
    list(APPEND options --strict)
  endif()
  add_custom_command(OUTPUT "${plan}"
    COMMAND ${compiler} compile "${model}" -o "${plan}" ${options}
            "--depfile=${plan}.d"
    DEPENDS "${model}" ${compiler}
    DEPFILE "${plan}.d"
    COMMENT "Compiling ${name} for ${ARG_TARGET}"
    VERBATIM)
  add_custom_target(${name} ALL DEPENDS "${plan}")
  set_target_properties(${name} PROPERTIES MODELC_PLAN "${plan}")
endfunction()
