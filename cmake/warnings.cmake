# Each flag with its reason. They are errors only where WISP_WERROR says so (the CI presets), never for a user's newer compiler.
option(WISP_WERROR "Treat warnings as errors" OFF)

add_library(wisp_flags INTERFACE)
target_compile_definitions(wisp_flags INTERFACE _GNU_SOURCE)
target_compile_options(wisp_flags INTERFACE
  -Wall -Wextra
  -Wshadow                  # a second meaning for a name in scope
  -Wundef                   # a misspelt macro is silently 0
  -Wvla                     # stack use under an outsider's control
  -Wstrict-prototypes -Wmissing-prototypes  # signatures that drift apart
  -Wpointer-arith -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough
  -ffp-contract=off         # a*b+c is fused exactly where the source says fma
  -fno-math-errno           # sqrt is one instruction; changes no result
  -fno-strict-overflow -fstack-protector-strong -fvisibility=hidden)
target_link_options(wisp_flags INTERFACE -Wl,--as-needed)
if(NOT WISP_SANITIZE MATCHES "address") # whose red zones stand between what is on the stack
  # stack use of a fixed size: wisp_small_frames()
  target_compile_options(wisp_flags INTERFACE -Wframe-larger-than=$<IF:$<BOOL:$<TARGET_PROPERTY:WISP_FRAME>>,$<TARGET_PROPERTY:WISP_FRAME>,8192>)
endif()
if(WISP_WERROR)
  target_compile_options(wisp_flags INTERFACE -Werror)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(wisp_flags INTERFACE -Wlogical-op -Wduplicated-cond)
endif()
