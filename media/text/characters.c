/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/text/characters.h"

bool character_is_space(utf8proc_int32_t point)
{
    utf8proc_category_t category = utf8proc_category(point);

    return (point >= '\t' && point <= '\r') || point == 0x85 || category == UTF8PROC_CATEGORY_ZS ||
           category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool character_is_word(utf8proc_int32_t point)
{
    utf8proc_category_t category = utf8proc_category(point);

    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
}

int characters_normalise(const char *text, size_t length, utf8proc_option_t options, utf8proc_int32_t **out,
                         size_t *count)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    cleanup_free utf8proc_int32_t *points = NULL;
    utf8proc_ssize_t needed = utf8proc_decompose(bytes, (utf8proc_ssize_t)length, NULL, 0, options);

    if (needed >= 0) {
        /* utf8proc writes one past the end. */
        points = memory_alloc((size_t)needed + 1, sizeof *points);
        if (!points)
            return -ENOMEM;
        needed = utf8proc_decompose(bytes, (utf8proc_ssize_t)length, points, needed, options);
    }
    if (needed >= 0)
        needed = utf8proc_normalize_utf32(points, needed, options);
    if (needed < 0)
        return needed == UTF8PROC_ERROR_NOMEM ? -ENOMEM : -EOVERFLOW;
    *count = (size_t)needed;
    *out = steal(&points);
    return 0;
}
