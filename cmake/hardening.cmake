# What holds up who has found a way to write where he should not, in all that is built: tests/system/hardening.sh looks for it in what is installed.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C) # programs are linked as what they are compiled as, whatever the compiler's default is
target_link_options(wisp_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)

# Indirect jumps land where they may, and returns go where they came from: of x86.
check_c_compiler_flag(-fcf-protection WISP_HAS_CF_PROTECTION)
if(WISP_HAS_CF_PROTECTION)
  target_compile_options(wisp_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-fcf-protection>)
endif()

# Copies into what has a size that only the run knows are checked too, where the compiler and the C library can; 2 is of constant sizes alone. A
# sanitizer checks the same calls; only one of them may replace the functions.
set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <string.h>
#if __USE_FORTIFY_LEVEL < 3
#error only 2
#endif
int main(void) { return 0; }" WISP_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT WISP_SANITIZE)
  target_compile_definitions(wisp_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=$<IF:$<BOOL:${WISP_HAS_FORTIFY_3}>,3,2>>)
endif()

# The same bytes wherever the tree stands; a debugger that is to find the sources has a Debug build.
target_compile_options(wisp_flags INTERFACE
  $<$<NOT:$<CONFIG:Debug>>:-ffile-prefix-map=${CMAKE_BINARY_DIR}=build> $<$<NOT:$<CONFIG:Debug>>:-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.>)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)

# wisp_small_frames(NAME…)   half of what others may have on the stack: libraries that work on what somebody else has sent
function(wisp_small_frames)
  set_target_properties(${ARGN} PROPERTIES WISP_FRAME 4096)
endfunction()
