# WISP_SANITIZE=address,undefined | thread; WISP_FUZZ=ON builds the libFuzzer targets (clang only).
set(WISP_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
option(WISP_FUZZ "Build the fuzz targets (needs clang)" OFF)

if(WISP_SANITIZE)
  target_compile_options(wisp_flags INTERFACE -fsanitize=${WISP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(wisp_flags INTERFACE -fsanitize=${WISP_SANITIZE})
else()
  # _FORTIFY_SOURCE and the sanitizers check the same calls; only one of them may replace the functions.
  target_compile_definitions(wisp_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()
