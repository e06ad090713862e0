# wisp_library(NAME SOURCES … USES … [PRIVATE …])   one folder, one static library; USES is the whole list of what it may include
# wisp_program(NAME SOURCES … USES …)    a program in build/*/bin
# wisp_test(NAME SOURCES … USES … [LABELS …])   a cmocka program registered with ctest
#
# A library's view is a directory of links to its headers, by their path in the tree: "folder/header.h". It holds those of its
# own folder, and of sub-folders that have no CMakeLists.txt, and so are no library themselves. Who names a library in USES sees
# its view, and nothing behind it: an include against the direction of dependency does not compile, and neither does one of a
# folder that is used by one that is used. Tests see what those that they name see.
function(wisp_view name)
  set(view ${CMAKE_BINARY_DIR}/headers/${name})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.h *.inc)
  file(GLOB_RECURSE apart RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CMakeLists.txt)
  list(FILTER apart INCLUDE REGEX /)
  list(TRANSFORM apart REPLACE "CMakeLists.txt$" "")
  foreach(folder include/ ${apart})
    list(FILTER headers EXCLUDE REGEX "^${folder}")
  endforeach()
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE here)
  file(REMOVE_RECURSE ${view})
  foreach(header ${headers})
    cmake_path(GET header PARENT_PATH below)
    file(MAKE_DIRECTORY ${view}/${here}/${below})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${header} ${view}/${here}/${header} SYMBOLIC)
  endforeach()
  target_include_directories(${name} PUBLIC ${view})
endfunction()

# What a static library links PRIVATE, whoever links the library links too; but he does not see its headers.
function(wisp_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_USES} ${ARG_PRIVATE} wisp_flags)
  wisp_view(${name})
endfunction()

# wisp_see_all(NAME LIBRARY…)   the views of the libraries, and of those that they use
function(wisp_see_all name)
  set(seen)
  set(next ${ARGN})
  list(FILTER next INCLUDE REGEX "^wisp_")
  while(next)
    list(POP_FRONT next library)
    if(library IN_LIST seen)
      continue()
    endif()
    list(APPEND seen ${library})
    get_target_property(kind ${library} TYPE)
    if(kind STREQUAL INTERFACE_LIBRARY) # several under one name
      get_target_property(uses ${library} INTERFACE_LINK_LIBRARIES)
    else()
      get_target_property(uses ${library} LINK_LIBRARIES)
    endif()
    list(FILTER uses INCLUDE REGEX "^wisp_")
    list(APPEND next ${uses})
    target_include_directories(${name} PRIVATE $<TARGET_PROPERTY:${library},INTERFACE_INCLUDE_DIRECTORIES>)
  endwhile()
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
  wisp_see_all(${name} ${ARG_USES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/bin)
  add_test(NAME ${name} COMMAND ${name})
  # Tests run on the source tree's examples and models and on the build's programs; 77 is ctest's "skipped".
  set_tests_properties(${name} PROPERTIES
    SKIP_RETURN_CODE 77 TIMEOUT 300 LABELS "${ARG_LABELS}"
    ENVIRONMENT
    "XDG_CACHE_HOME=;WISP_SOURCE_DIR=${CMAKE_SOURCE_DIR};WISP_BINARY_DIR=${CMAKE_BINARY_DIR};WISP_DB=${CMAKE_BINARY_DIR}/tests/${name}.db")
endfunction()
