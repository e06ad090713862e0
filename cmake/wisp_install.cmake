# wisp_install_configured(FILE DESTINATION [KEEP])   installs a file that names installed paths
#
# FILE is written for the prefix /usr. The prefix is known only while installing (`cmake --install BUILD --prefix P` may name
# another one than the build did): then /usr/sbin/wispd, /usr/bin/wisp, /usr/share/wisp and /etc/wisp become the paths there. DESTINATION is
# relative to the prefix, or SYSCONF/…. KEEP: a file that is there and differs stays, and the new one is put beside it as FILE.dist.
function(wisp_install_configured name destination)
  set(keep "${ARGN}")
  install(CODE "
    set(WISP_RELATIVE_BINDIR \"${CMAKE_INSTALL_BINDIR}\")
    set(WISP_RELATIVE_SBINDIR \"${CMAKE_INSTALL_SBINDIR}\")
    set(WISP_RELATIVE_DATADIR \"${CMAKE_INSTALL_DATADIR}\")
    set(WISP_TEMPLATE \"${CMAKE_CURRENT_SOURCE_DIR}/${name}\")
    set(WISP_CONFIGURED \"${CMAKE_CURRENT_BINARY_DIR}/installed/${name}\")
    set(WISP_DESTINATION \"${destination}\")
    set(WISP_KEEP \"${keep}\")
    include(\"${CMAKE_SOURCE_DIR}/cmake/install_configured.cmake\")")
endfunction()
