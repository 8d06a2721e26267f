# ModelcGuestRuntime.cmake - the runtime once more, as a program for AArch64.
#
# On x86-64 with Debian's cross packages (aarch64-linux.cmake has their names)
# the build has another one inside, aarch64/, of modelc-run alone, and of what
# stands in for it on a Mac (test/emulators/mac). Tests run them under
# qemu-aarch64; where they are missing they are skipped.
include(ModelcCrossLibraries)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND NOT CMAKE_CROSSCOMPILING AND
   MODELC_HAS_CROSS_LIBRARIES)
  include(ExternalProject)
  ExternalProject_Add(modelc_guest_aarch64
    SOURCE_DIR "${PROJECT_SOURCE_DIR}"
    PREFIX "${PROJECT_BINARY_DIR}/aarch64-steps"
    BINARY_DIR "${PROJECT_BINARY_DIR}/aarch64"
    CMAKE_ARGS
      "-DCMAKE_TOOLCHAIN_FILE=${PROJECT_SOURCE_DIR}/tools/cmake/aarch64-linux.cmake"
      -DCMAKE_BUILD_TYPE=Release -DMODELC_BUILD_COMPILER=OFF
      -DMODELC_BUILD_TESTS=OFF -DMODELC_BUILD_MAC_STAND_IN=ON
    BUILD_COMMAND "${CMAKE_COMMAND}" --build <BINARY_DIR>
      --target modelc-run modelc-run-mac
    # That build knows what is new.
    BUILD_ALWAYS ON
    INSTALL_COMMAND "")
endif()
