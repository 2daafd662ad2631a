# SPDX-License-Identifier: GPL-3.0-or-later
# The Debian package: `make deb`. Debian has no new enough torch, typer and others; `resivid-environment`, which the
# package brings, puts them into an environment that belongs to the package.

option(RESIVID_DEBIAN "Install what the Debian package has beyond the module itself" OFF)
if(RESIVID_DEBIAN)
  set(share share/gr-resivid)
  install(PROGRAMS ${PROJECT_SOURCE_DIR}/apps/resivid-environment DESTINATION bin)
  install(PROGRAMS scripts/setup.sh DESTINATION ${share}/scripts)
  install(FILES scripts/requirements.py DESTINATION ${share}/scripts)
  install(FILES pyproject.toml DESTINATION ${share})
  install(FILES LICENSE DESTINATION share/doc/gr-resivid RENAME copyright)
  install(FILES README.md CHANGELOG.md DESTINATION share/doc/gr-resivid)
  install(DIRECTORY grc/flowgraphs/ DESTINATION ${share}/flowgraphs FILES_MATCHING PATTERN "*.grc")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gr-resivid)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The gr-resivid contributors <gr-resivid@invalid.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "GNU Radio blocks and the command resivid: live video as learned, importance-ordered
tokens over 5G NR LDPC codes and QAM. Run resivid-environment once: it installs the
Python packages that Debian lacks into /usr/lib/gr-resivid/environment.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION hamradio)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The compiled modules are for one Python, and for the NumPy 1 and GNU Radio 3.10 that they were built with.
math(EXPR next_minor "${Python3_VERSION_MINOR} + 1")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "gnuradio (>= 3.10.5), gnuradio (<< 3.11), python3 (>= 3.${Python3_VERSION_MINOR}), \
python3 (<< 3.${next_minor}), python3-venv, python3-numpy, python3-yaml")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3-soapysdr, python3-uhd, soapysdr-tools, ffmpeg")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "soapysdr-module-all, uhd-host")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/prerm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_STRIP_FILES ON)
include(CPack)
