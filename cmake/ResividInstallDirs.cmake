# SPDX-License-Identifier: GPL-3.0-or-later
# Where things go below the prefix, relative so that `cmake --install --prefix` may choose it late.

set(RESIVID_LIB_DIR lib CACHE STRING "Libraries below the prefix, as lib/x86_64-linux-gnu")
set(RESIVID_GRC_DIR share/gnuradio/grc/blocks)
# -DGR_PYTHON_DIR=... names the Python folder below the prefix; otherwise lib/pythonX.Y/site-packages.
# Debian's own Python looks into dist-packages below /usr/local, a virtual environment into site-packages
# below itself. Only the install step knows the prefix, so it chooses there.
set(python_lib "lib/python${Python3_VERSION_MAJOR}.${Python3_VERSION_MINOR}")
execute_process(
  COMMAND ${Python3_EXECUTABLE} -c "import sysconfig; print('posix_local' in sysconfig.get_scheme_names())"
  OUTPUT_VARIABLE debian_python OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(GR_PYTHON_DIR)
  install(CODE "set(RESIVID_PYTHON_DIR \"${GR_PYTHON_DIR}\")")
else()
  install(CODE "
    set(RESIVID_PYTHON_DIR \"${python_lib}/site-packages\")
    if(\"${debian_python}\" STREQUAL \"True\" AND CMAKE_INSTALL_PREFIX STREQUAL \"/usr/local\")
      set(RESIVID_PYTHON_DIR \"${python_lib}/dist-packages\")
    endif()")
endif()
set(RESIVID_PACKAGE_DIR "\${RESIVID_PYTHON_DIR}/gnuradio/resivid")

# Both candidates lie equally deep, so one $ORIGIN-relative path serves.
set(depth_of "${GR_PYTHON_DIR}")
if(NOT depth_of)
  set(depth_of "${python_lib}/site-packages")
endif()
file(RELATIVE_PATH RESIVID_PACKAGE_TO_LIB "/${depth_of}/gnuradio/resivid" "/${RESIVID_LIB_DIR}")
