# WISP_SANITIZE=address,undefined | thread; WISP_FUZZ=ON builds the libFuzzer targets (clang only).
set(WISP_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
option(WISP_FUZZ "Build the fuzz targets (needs clang)" OFF)

if(WISP_SANITIZE)
  target_compile_options(wisp_flags INTERFACE -fsanitize=${WISP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(wisp_flags INTERFACE -fsanitize=${WISP_SANITIZE})
  if(WISP_SANITIZE MATCHES "address" AND CMAKE_C_COMPILER_ID STREQUAL "GNU") # which loses lengths in what it adds
    target_compile_options(wisp_flags INTERFACE -Wno-format-truncation)
  endif()
  if(WISP_SANITIZE STREQUAL "thread" AND CMAKE_C_COMPILER_ID MATCHES "Clang") # which says it by __has_feature() alone
    target_compile_definitions(wisp_flags INTERFACE __SANITIZE_THREAD__=1)
  endif()
endif()
