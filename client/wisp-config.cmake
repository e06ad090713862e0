# find_package(wisp) gives the target wisp::wisp.
include("${CMAKE_CURRENT_LIST_DIR}/wisp-targets.cmake")
