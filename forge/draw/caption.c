/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "forge/draw/caption.h"

void caption_whole(uint64_t value, char out[CAPTION_MAX])
{
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, value), used = 0;

    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = 0;
}

void caption_count(uint64_t value, const char *unit, char out[CAPTION_MAX])
{
    char number[CAPTION_MAX];

    caption_whole(value, number);
    snprintf(out, CAPTION_MAX, "%.40s %.20s%s", number, unit, value == 1 ? "" : "s");
}

void caption_short(double value, char out[CAPTION_MAX])
{
    static const char *const units[] = { "", " k", " M", " G", " T", " P", " E" };
    size_t unit = 0;

    while (value >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(out, CAPTION_MAX, unit ? "%.3g%s" : "%.0f%s", value, units[unit]);
}

void caption_probability(double value, char out[CAPTION_MAX])
{
    snprintf(out, CAPTION_MAX, "%.3g", value);
}

/* "0.95"; as many digits as tell it from 1. */
static void caption_sparsity(double density, char out[CAPTION_MAX])
{
    int digits = density > 0 && density < 1 ? (int)MAX(3, MIN(12, 2 - (int)floor(log10(density)))) : 3;

    snprintf(out, CAPTION_MAX, "%.*f", digits, 1 - density);
    while (strchr(out, '.') && (out[strlen(out) - 1] == '0' || out[strlen(out) - 1] == '.'))
        out[strlen(out) - 1] = 0;
}

void caption_head(const struct network_view *view, struct scene *scene)
{
    const struct structure *structure = view->structure;
    uint64_t potential = structure_potential(structure), connections = 0;
    uint32_t weighted = structure_weighted(structure);
    char sparsity[CAPTION_MAX], some[CAPTION_MAX], all[CAPTION_MAX], count[CAPTION_MAX], text[SCENE_TEXT_MAX];
    struct type title = {
        .size = 28, .bold = true, .color = COLOR_TEXT, .min = 18, .room = scene->width - 2.0 * PAGE_MARGIN
    };
    struct type line = { .size = 15, .color = COLOR_SOFT, .min = 10, .room = title.room };
    size_t used;

    for (uint32_t i = 0; i < weighted; i++)
        connections += view->layers[i].connections;
    caption_whole(potential, all);
    caption_whole(connections, some);
    caption_count(potential, "connection", count);
    caption_sparsity((double)connections / (double)potential, sparsity);
    used = (size_t)snprintf(text, sizeof text, "%.60s%s%.40s, %u layer%s with connections", structure->processing,
                            *structure->network ? ", " : "", structure->network, weighted, weighted == 1 ? "" : "s");
    if (view->sparse)
        snprintf(text + used, sizeof text - used, "   \u00b7   sparsity %s%s%s%s   \u00b7   %s of %s", sparsity,
                 view->method ? " (" : "", view->method ? view->method : "", view->method ? ")" : "", some, count);
    else
        snprintf(text + used, sizeof text - used, "   \u00b7   dense: %s potential connection%s", all,
                 potential == 1 ? "" : "s");
    scene_text(scene, &title, PAGE_MARGIN, 62, "%s", view->title);
    scene_text(scene, &line, PAGE_MARGIN, 90, "%s", text);
}
