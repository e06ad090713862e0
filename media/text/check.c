/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/size.h"
#include "media/spec/media.h"
#include "media/spec/sniff.h"
#include "media/text/characters.h"
#include "media/text/check.h"

int text_check_utf8(const char *name, const char *text, size_t length, struct reason *why)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const char *what = NULL;
    size_t at = 0;

    while (at < length) {
        utf8proc_int32_t point;
        utf8proc_ssize_t used;

        if (bytes[at] < 0x80) {
            at++;
            continue;
        }
        used = utf8proc_iterate(bytes + at, (utf8proc_ssize_t)MIN(length - at, 4), &point);
        if (used <= 0)
            break;
        at += (size_t)used;
    }
    if (at == length)
        return 0;
    sniff(text, length, &what);
    if (!what && length >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2)))
        what = "UTF-16; iconv -f UTF-16 -t UTF-8 makes it readable";
    return refuse(why, WISP_E_FORMAT, "%s: not UTF-8 at byte %zu (0x%02x)%s%s", name, at, bytes[at],
                  what ? "; it looks like " : "", what ? what : "");
}

bool text_drops(utf8proc_int32_t point)
{
    return !character_is_space(point) &&
           (utf8proc_category(point) == UTF8PROC_CATEGORY_CC || utf8proc_get_property(point)->ignorable);
}

size_t text_drop(utf8proc_int32_t *points, size_t count, utf8proc_int32_t kept)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (points[i] == kept || !text_drops(points[i]))
            points[used++] = points[i];
    }
    return used;
}

int text_refuse_empty(const char *name, size_t length, struct reason *why)
{
    return refuse(why, WISP_E_FORMAT, "%s: %s", name,
                  length ? "nothing but white space and control characters; a text is expected" : "the text is empty");
}

int media_check_text(const char *name, const char *text, size_t length, struct reason *why)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    int result = text_check_utf8(name, text, length, why);

    if (result)
        return result;
    for (size_t at = 0; at < length;) {
        utf8proc_int32_t point;

        at += (size_t)utf8proc_iterate(bytes + at, (utf8proc_ssize_t)MIN(length - at, 4), &point);
        if (!character_is_space(point) && !text_drops(point))
            return 0;
    }
    return text_refuse_empty(name, length, why);
}

size_t text_mark(const char *text, size_t length)
{
    return length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}
