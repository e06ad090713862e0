/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "base/yaml/text.h"

bool text_is_plain(const char *text)
{
    static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "y", "n", "null" };

    /* Nothing that begins like an indicator or a number (12, 0x10, 1e5, 1_000, 12e03): a digit is enough to be quoted.
     */
    if (!isalpha((unsigned char)text[0]))
        return false;
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcasecmp(text, words[i]))
            return false;
    }
    return true;
}

void text_print_quoted(const char *text, FILE *out)
{
    /* Control characters were refused when it was read; these two are all that double quotes need. */
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void text_print(const char *text, FILE *out)
{
    if (text_is_plain(text))
        fputs(text, out);
    else
        text_print_quoted(text, out);
}
