# wisp_library(NAME SOURCES … USES … [PRIVATE …])   one folder, one static library; USES is the whole list of what it may include
# wisp_program(NAME SOURCES … USES …)    a program in build/*/bin
# wisp_test(NAME SOURCES … USES … [LABELS …])   a cmocka program registered with ctest
#
# A folder's headers are reached as "folder/header.h" through a directory that holds a link to that folder alone. So a
# library sees the headers of what it USES and no others: an include against the direction of dependency does not compile.
function(wisp_headers name)
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)
  set(view ${CMAKE_BINARY_DIR}/headers/${folder})
  file(MAKE_DIRECTORY ${view})
  if(NOT IS_SYMLINK ${view}/${folder})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${folder} SYMBOLIC)
  endif()
  target_include_directories(${name} PUBLIC ${view})
endfunction()

function(wisp_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_USES} PRIVATE wisp_flags ${ARG_PRIVATE})
  wisp_headers(${name})
endfunction()

function(wisp_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_USES} wisp_flags)
endfunction()

function(wisp_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_USES} wisp_flags wisp_test_support)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/bin)
  add_test(NAME ${name} COMMAND ${name})
  # Tests run on the source tree's examples and models and on the build's programs; 77 is ctest's "skipped".
  set_tests_properties(${name} PROPERTIES
    SKIP_RETURN_CODE 77 TIMEOUT 300 LABELS "${ARG_LABELS}"
    ENVIRONMENT
    "WISP_SOURCE_DIR=${CMAKE_SOURCE_DIR};WISP_BINARY_DIR=${CMAKE_BINARY_DIR};WISP_DB=${CMAKE_BINARY_DIR}/tests/${name}.db")
endfunction()
