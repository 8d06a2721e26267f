# ModelcInstall.cmake - what `cmake --install` puts where.
#
#   bin/                       modelc, modelc-opt, modelc-run, modelc-bench
#   lib/                       libmodelc_runtime.a, libmodelc_text.a
#   include/modelc/            the C API
#   lib/cmake/modelc/          find_package(modelc): targets modelc::runtime,
#                              modelc::text, function modelc_add_plan
#
# Component `runtime` is what a program that runs plans needs to be built;
# component `compiler` is what makes them and is missing in a build without it.

include(CMakePackageConfigHelpers)
set(packageDir "${CMAKE_INSTALL_LIBDIR}/cmake/modelc")

set_target_properties(modelc_runtime PROPERTIES EXPORT_NAME runtime)
set_target_properties(modelc_text PROPERTIES EXPORT_NAME text)
# The reader of a plan's vocabulary calls the core; linkers that read archives
# once need to be told.
target_link_libraries(modelc_text INTERFACE $<INSTALL_INTERFACE:modelc_runtime>)
# A project in C alone links with a driver that does not add this by itself.
target_link_libraries(modelc_runtime INTERFACE
  $<INSTALL_INTERFACE:stdc++> $<INSTALL_INTERFACE:m>)
install(TARGETS modelc_runtime modelc_text
  EXPORT modelcTargets COMPONENT runtime)
install(TARGETS modelc-run modelc-bench COMPONENT runtime)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime/include/modelc"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT runtime
  FILES_MATCHING PATTERN "*.h")
install(EXPORT modelcTargets NAMESPACE modelc:: DESTINATION "${packageDir}"
  COMPONENT runtime)

if(MODELC_BUILD_COMPILER)
  install(TARGETS modelc EXPORT modelcCompilerTargets COMPONENT compiler)
  install(TARGETS modelc-opt COMPONENT compiler)
  install(EXPORT modelcCompilerTargets NAMESPACE modelc::
    DESTINATION "${packageDir}" COMPONENT compiler)
endif()

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/modelcConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/modelcConfig.cmake"
  INSTALL_DESTINATION "${packageDir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/modelcConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/modelcConfig.cmake"
  "${PROJECT_BINARY_DIR}/modelcConfigVersion.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/ModelcAddPlan.cmake"
  DESTINATION "${packageDir}" COMPONENT runtime)
