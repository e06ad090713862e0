/* SPDX-License-Identifier: Apache-2.0
 *
 * From a scene to a file, by cairo. The bytes depend on the scene, on cairo and on the fonts there are, on nothing
 * else: no clock. The file is made in memory and replaces its target at once, as all files of wisp do.
 */
#ifndef FORGE_DRAW_PAINT_H
#define FORGE_DRAW_PAINT_H

#include <stdbool.h>

#include "base/error.h"
#include "forge/draw/scene.h"

enum picture_format { PICTURE_SVG, PICTURE_PNG, PICTURE_PDF, PICTURE_FORMATS };

/* By how the name ends. WISP_E_INVALID. */
int picture_format_of(const char *path, enum picture_format *out, struct reason *why);

/* -ENOMEM, or what file_write() says. */
int paint_file(const struct scene *scene, enum picture_format format, const char *path, struct reason *why);

#endif
