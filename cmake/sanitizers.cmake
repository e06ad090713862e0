# WISP_SANITIZE=address,undefined | thread; WISP_FUZZ=ON builds the libFuzzer targets (clang only).
set(WISP_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
option(WISP_FUZZ "Build the fuzz targets (needs clang)" OFF)

if(WISP_SANITIZE)
  target_compile_options(wisp_flags INTERFACE -fsanitize=${WISP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(wisp_flags INTERFACE -fsanitize=${WISP_SANITIZE})
endif()
