# ModelcCrossLibraries.cmake - whether Debian's libraries for AArch64 are here.
#
# MODELC_HAS_CROSS_LIBRARIES is true with the packages that
# aarch64-linux.cmake names.

set(MODELC_HAS_CROSS_LIBRARIES FALSE)
if(EXISTS /usr/aarch64-linux-gnu/lib/libc.a AND
   EXISTS /usr/lib/gcc-cross/aarch64-linux-gnu/12/libstdc++.a)
  set(MODELC_HAS_CROSS_LIBRARIES TRUE)
endif()
