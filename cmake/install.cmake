# What `cmake --install` installs: the two libraries, their headers under include/mote/<room>/, the mote command, and what lets
# other projects find them, by find_package(mote) or by pkg-config. A firmware's build takes mote as a subdirectory instead,
# or compiles the device sources itself.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mote)
install(TARGETS mote_device mote_host EXPORT mote)
install(EXPORT mote NAMESPACE mote:: DESTINATION ${package_dir} FILE moteTargets.cmake)
install(DIRECTORY lzss patch stream agent diff DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mote FILES_MATCHING PATTERN "*.h")
if(TARGET mote)
  install(TARGETS mote)
endif()

configure_package_config_file(cmake/moteConfig.cmake.in ${PROJECT_BINARY_DIR}/moteConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/moteConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/moteConfig.cmake ${PROJECT_BINARY_DIR}/moteConfigVersion.cmake DESTINATION ${package_dir})

# The package file finds itself, so that an installation may be moved; how far up the prefix is depends on the library folder.
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/mote.pc.in mote.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/mote.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
