/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/attributes.h>

#ifdef gnuradio_resivid_EXPORTS
#define RESIVID_API __GR_ATTR_EXPORT
#else
#define RESIVID_API __GR_ATTR_IMPORT
#endif
